"""The client certificate's subject and times."""

from settings.model import ClientCertificate, Subject
from settings.problems import Problems
from settings.stack import ClientCertificateSection


def read(section: ClientCertificateSection, problems: Problems) -> ClientCertificate:
    """Return the client certificate's settings."""
    at = ("clientCertificate",)
    if section.renew_before_hours >= section.validity_hours:
        # Otherwise the certificate is due for renewal from its first hour on, and every run issues another.
        must = f"must be less than clientCertificate.validityHours ({section.validity_hours})"
        problems.invalid((*at, "renewBeforeHours"), section.renew_before_hours, must)
    subject = section.subject
    return ClientCertificate(
        subject=Subject(
            country=subject.country,
            province=subject.province,
            locality=subject.locality,
            organizations=subject.organization,
            organizational_unit=subject.organizational_unit,
        ),
        key_algorithm=section.key_algorithm,
        validity_hours=section.validity_hours,
        renew_before_hours=section.renew_before_hours,
        per_node=section.per_node,
    )
