"""The client certificate's subject and times."""

from datetime import UTC, datetime, timedelta

from settings.model import ClientCertificate, Subject
from settings.problems import Problems
from settings.stack import ClientCertificateSection


def read(section: ClientCertificateSection, authority_ends: datetime | None, problems: Problems) -> ClientCertificate:
    """Return the client certificate's settings; it must not outlive the certificate authority."""
    at = ("clientCertificate",)
    if section.renew_before_hours >= section.validity_hours:
        # Otherwise the certificate is due for renewal from its first hour on, and every run issues another.
        must = f"must be less than clientCertificate.validityHours ({section.validity_hours})"
        problems.invalid((*at, "renewBeforeHours"), section.renew_before_hours, must)
    ends = datetime.now(UTC) + timedelta(hours=section.validity_hours)
    if authority_ends is not None and ends > authority_ends:
        left = (authority_ends - datetime.now(UTC)) // timedelta(hours=1)
        problems.invalid(
            (*at, "validityHours"),
            section.validity_hours,
            f"must end before the certificate authority does: {ends:%Y-%m-%d} is after {authority_ends:%Y-%m-%d}: "
            f"use at most {left}, or renew the certificate authority",
        )
    subject = section.subject
    return ClientCertificate(
        subject=Subject(
            country=subject.country,
            province=subject.province,
            locality=subject.locality,
            organization=subject.organization,
            organizational_unit=subject.organizational_unit,
        ),
        validity_hours=section.validity_hours,
        renew_before_hours=section.renew_before_hours,
    )
