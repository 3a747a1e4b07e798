"""What is said of the end of certificates, and the limit for new ones. Moments are in UTC; `now` is always an argument.

The renewal itself is early_renewal_hours in certificate_authority.py, for a signer in cluster_signer.py.
"""

from datetime import UTC, datetime, timedelta

from settings import ClientCertificateSettings


def announce(settings: ClientCertificateSettings, authority_end: datetime, now: datetime) -> str:
    """Return the message for a certificate that is about to be issued.

    Raises ValueError if it would outlive its authority: the tls plugin would issue it all the same.
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
    return f"issuing a certificate, valid until {_minute(end)}; the first pulumi up after {_minute(due)} renews it"


def warnings(
    settings: ClientCertificateSettings, begin: datetime, end: datetime, authority_end: datetime, now: datetime
) -> list[str]:
    """Return the warnings for a certificate in use.

    One that can't be renewed yet gives a warning a month before its end, or in the last quarter of a short life. Other
    warnings are for a lifetime that is shorter than requested and for a CA that ends too soon for the next certificate.
    """
    validity = timedelta(hours=settings.validity_hours)
    if (hours := (end - begin) // timedelta(hours=1)) < settings.validity_hours:
        return [
            f"clientCertificate.validityHours: {settings.validity_hours}: the signer granted {hours}, until "
            f"{_minute(end)} (kube-controller-manager: --cluster-signing-duration); use at most {hours}, because the "
            "renewal is due by the requested end"
        ]
    found = []
    due = end - timedelta(hours=settings.renew_before_hours)
    if now < due and end - now < min(timedelta(days=30), validity / 4):
        found.append(
            f"clientCertificate.renewBeforeHours: {settings.renew_before_hours}: the certificate ends {_minute(end)}, "
            f"in {_duration(end - now)}; only a pulumi up after {_minute(due)} renews it"
        )
    if due + validity > authority_end:
        found.append(
            f"certificateAuthority: it ends {_minute(authority_end)}, in {_duration(authority_end - now)}; the "
            f"certificate that is due {_minute(due)} would outlive it: rotate it before then (docs/ca-rotation.md)"
        )
    return found


def days_left(end: datetime, now: datetime) -> int:
    """Return the whole days until then; 0 after it."""
    return max(0, (end - now).days)


def _duration(time: timedelta) -> str:
    return f"{time.days} days" if time.days >= 2 else f"{time // timedelta(hours=1)} hours"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
