"""When certificates end: what is refused, what is said, what is warned of.

Moments are in UTC; every function is told what time it is.
"""

from datetime import UTC, datetime, timedelta

from settings import ClientCertificateSettings


def issue(settings: ClientCertificateSettings, authority_end: datetime, now: datetime) -> str:
    """Returns what is said of a certificate that is about to be issued.

    Raises ValueError where it would outlive its authority: the tls plugin issues it all the same.
    """
    end = now + timedelta(hours=settings.validity_hours)
    if end > authority_end:
        hours = (authority_end - now) // timedelta(hours=1)
        raise ValueError(
            f"clientCertificate.validityHours: Invalid value: {settings.validity_hours}: must end before the "
            f"certificate authority does: {_minute(end)} is after {_minute(authority_end)}; "
            f"{f'use at most {hours}, or ' if hours > 0 else ''}rotate the certificate authority (docs/ca-rotation.md)"
        )
    due = end - timedelta(hours=settings.renew_before_hours)
    return f"a certificate is issued, valid to {_minute(end)}; the first pulumi up from {_minute(due)} on renews it"


def warnings(
    settings: ClientCertificateSettings, begin: datetime, end: datetime, authority_end: datetime, now: datetime
) -> list[str]:
    """Returns what should be known of a certificate that is in use.

    A month before its end, or in the last quarter of a short life, it says when it can be renewed at all. A signer may
    have given less than it was asked for. And an authority must be rotated before it is too old to issue the next one.
    """
    found = []
    validity = timedelta(hours=settings.validity_hours)
    if (hours := (end - begin) // timedelta(hours=1)) < settings.validity_hours:
        return [
            f"clientCertificate.validityHours: {settings.validity_hours}: the signer has given {hours}, to "
            f"{_minute(end)} (kube-controller-manager: --cluster-signing-duration); use at most {hours}, for it is "
            "renewed by the end that was asked for"
        ]
    due = end - timedelta(hours=settings.renew_before_hours)
    if now < due and end - now < min(timedelta(days=30), validity / 4):
        found.append(
            f"clientCertificate.renewBeforeHours: {settings.renew_before_hours}: the certificate ends {_minute(end)}, "
            f"in {_left(end - now)}; only a pulumi up from {_minute(due)} on renews it"
        )
    if due + validity > authority_end:
        found.append(
            f"certificateAuthority: it ends {_minute(authority_end)}, in {_left(authority_end - now)}; the certificate "
            f"that is due {_minute(due)} would outlive it: rotate it before (docs/ca-rotation.md)"
        )
    return found


def days_left(end: datetime, now: datetime) -> int:
    """Returns whole days; 0 for what has ended."""
    return max(0, (end - now).days)


def _left(time: timedelta) -> str:
    return f"{time.days} days" if time.days >= 2 else f"{time // timedelta(hours=1)} hours"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
