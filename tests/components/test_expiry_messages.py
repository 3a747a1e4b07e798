"""Limits, messages and warnings for the end of certificates, at a time that each test sets."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import expiry_messages
from settings import ClientCertificateSettings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FAR = datetime(2046, 1, 1, tzinfo=UTC)


def certificate(validity_hours: int = 8760, renew_before_hours: int = 720) -> ClientCertificateSettings:
    return ClientCertificateSettings(validity_hours=validity_hours, renew_before_hours=renew_before_hours)


def warnings(settings: ClientCertificateSettings, end: datetime, authority_end: datetime) -> list[str]:
    """The warnings for a certificate with the requested lifetime."""
    begin = end - timedelta(hours=settings.validity_hours)
    return expiry_messages.warnings(settings, begin, end, authority_end, NOW)


class TestAnnouncement:
    def test_message_has_the_end_and_the_time_of_the_renewal(self) -> None:
        assert expiry_messages.announce(certificate(), FAR, NOW) == (
            "issuing a certificate, valid until 2027-11-23 12:00 UTC; "
            "the first pulumi up after 2027-10-24 12:00 UTC renews it"
        )

    def test_certificate_must_end_before_its_authority(self) -> None:
        expiry_messages.announce(certificate(), NOW + timedelta(hours=8760), NOW)
        with pytest.raises(ValueError, match="must end before") as raised:
            expiry_messages.announce(certificate(), NOW + timedelta(hours=8759, minutes=59), NOW)
        assert str(raised.value) == (
            "clientCertificate.validityHours: Invalid value: 8760: must end before the certificate authority does: "
            "2027-11-23 12:00 UTC is after 2027-11-23 11:59 UTC; use at most 8759, or rotate the certificate "
            "authority (docs/ca-rotation.md)"
        )

    def test_message_for_an_authority_in_its_last_hour_offers_only_its_rotation(self) -> None:
        with pytest.raises(ValueError, match="UTC; rotate the certificate authority"):
            expiry_messages.announce(certificate(), NOW + timedelta(minutes=59), NOW)


class TestWarnings:
    @pytest.mark.parametrize(
        ("settings", "left"),
        [
            (certificate(), timedelta(days=365)),
            (certificate(), timedelta(days=30, minutes=1)),
            (certificate(), timedelta(days=29)),  # renewed by this very run
            (certificate(24, 8), timedelta(hours=9)),
            (certificate(8760, 24), timedelta(days=31)),
        ],
    )
    def test_certificate_that_can_be_renewed_in_time_gives_no_warning(
        self, settings: ClientCertificateSettings, left: timedelta
    ) -> None:
        assert warnings(settings, NOW + left, FAR) == []

    @pytest.mark.parametrize(
        ("settings", "left", "text"),
        [
            (
                certificate(8760, 24),
                timedelta(days=29, hours=1),
                "ends 2026-12-22 13:00 UTC, in 29 days; only a pulumi up after ",
            ),
            (
                certificate(8760, 0),
                timedelta(hours=3),
                "ends 2026-11-23 15:00 UTC, in 3 hours; only a pulumi up after ",
            ),
            (certificate(24, 1), timedelta(hours=5), "ends 2026-11-23 17:00 UTC, in 5 hours; only a pulumi up after "),
        ],
    )
    def test_certificate_that_ends_soon_but_can_not_be_renewed_yet_gives_a_warning(
        self, settings: ClientCertificateSettings, left: timedelta, text: str
    ) -> None:
        (warning,) = warnings(settings, NOW + left, FAR)

        assert warning.startswith(f"clientCertificate.renewBeforeHours: {settings.renew_before_hours}: ")
        assert text in warning

    @pytest.mark.parametrize("settings", [certificate(), certificate(24, 8)])
    def test_certificate_with_a_shorter_life_than_requested_gives_a_warning(
        self, settings: ClientCertificateSettings
    ) -> None:
        requested = timedelta(hours=settings.validity_hours)
        (warning,) = expiry_messages.warnings(settings, NOW, NOW + requested - timedelta(seconds=1), FAR, NOW)

        assert warning.startswith(
            f"clientCertificate.validityHours: {settings.validity_hours}: the signer granted "
            f"{settings.validity_hours - 1}, until "
        )
        assert expiry_messages.warnings(settings, NOW - timedelta(minutes=5), NOW + requested, FAR, NOW) == [], (
            "dated back by five minutes"
        )

    @given(st.integers(1, 20_000), st.integers(0, 20_000), st.integers(-100, 20_000))
    def test_certificate_with_early_renewals_never_gives_a_warning(self, validity: int, early: int, left: int) -> None:
        """Early: a month before the end, or in the last quarter of a short life."""
        enough = max(early, min(720, validity // 4 + 1))
        end = NOW + timedelta(hours=min(left, validity))

        assert (
            expiry_messages.warnings(certificate(validity, enough), end - timedelta(hours=validity), end, FAR, NOW)
            == []
        )

    def test_authority_that_ends_too_soon_for_the_next_certificate_gives_a_warning(self) -> None:
        end = NOW + timedelta(days=365)
        due_and_valid = end - timedelta(days=30) + timedelta(days=365)

        assert warnings(certificate(), end, due_and_valid) == []
        assert warnings(certificate(), end, due_and_valid - timedelta(minutes=1)) == [
            "certificateAuthority: it ends 2028-10-23 11:59 UTC, in 699 days; the certificate that is due "
            "2027-10-24 12:00 UTC would outlive it: rotate it before then (docs/ca-rotation.md)"
        ]


@pytest.mark.parametrize(
    ("left", "days"), [(timedelta(days=2, hours=23), 2), (timedelta(hours=1), 0), (-timedelta(9), 0)]
)
def test_days_left_are_whole_and_never_negative(left: timedelta, days: int) -> None:
    assert expiry_messages.days_left(NOW + left, NOW) == days
