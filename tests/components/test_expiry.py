"""What is refused, said and warned of when certificates end; the time is whatever the test says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import expiry
from settings import ClientCertificateSettings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FAR = datetime(2046, 1, 1, tzinfo=UTC)


def certificate(validity_hours: int = 8760, renew_before_hours: int = 720) -> ClientCertificateSettings:
    return ClientCertificateSettings(validity_hours=validity_hours, renew_before_hours=renew_before_hours)


def warnings(settings: ClientCertificateSettings, end: datetime, authority_end: datetime) -> list[str]:
    """What is said of a certificate that was given as long as it was asked for."""
    begin = end - timedelta(hours=settings.validity_hours)
    return expiry.warnings(settings, begin, end, authority_end, NOW)


class TestIssue:
    def test_says_the_end_and_when_it_is_renewed(self) -> None:
        assert expiry.issue(certificate(), FAR, NOW) == (
            "a certificate is issued, valid to 2027-11-23 12:00 UTC; "
            "the first pulumi up from 2027-10-24 12:00 UTC on renews it"
        )

    def test_up_to_the_authoritys_end_is_the_limit(self) -> None:
        expiry.issue(certificate(), NOW + timedelta(hours=8760), NOW)
        with pytest.raises(ValueError, match="must end before") as raised:
            expiry.issue(certificate(), NOW + timedelta(hours=8759, minutes=59), NOW)
        assert str(raised.value) == (
            "clientCertificate.validityHours: Invalid value: 8760: must end before the certificate authority does: "
            "2027-11-23 12:00 UTC is after 2027-11-23 11:59 UTC; use at most 8759, or rotate the certificate "
            "authority (docs/ca-rotation.md)"
        )

    def test_an_authority_at_its_end_is_to_be_rotated_and_nothing_else(self) -> None:
        with pytest.raises(ValueError, match="UTC; rotate the certificate authority"):
            expiry.issue(certificate(), NOW + timedelta(minutes=59), NOW)


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
    def test_are_none_in_an_ordinary_life(self, settings: ClientCertificateSettings, left: timedelta) -> None:
        assert warnings(settings, NOW + left, FAR) == []

    @pytest.mark.parametrize(
        ("settings", "left", "said"),
        [
            (certificate(8760, 24), timedelta(days=29, hours=1), "ends 2026-12-22 13:00 UTC, in 29 days; only a"),
            (certificate(8760, 0), timedelta(hours=3), "ends 2026-11-23 15:00 UTC, in 3 hours; only a"),
            (certificate(24, 1), timedelta(hours=5), "ends 2026-11-23 17:00 UTC, in 5 hours; only a"),
        ],
    )
    def test_of_an_end_that_comes_before_a_renewal_is_possible(
        self, settings: ClientCertificateSettings, left: timedelta, said: str
    ) -> None:
        (warning,) = warnings(settings, NOW + left, FAR)

        assert warning.startswith(f"clientCertificate.renewBeforeHours: {settings.renew_before_hours}: ")
        assert said in warning

    @pytest.mark.parametrize("settings", [certificate(), certificate(24, 8)])
    def test_of_a_shorter_life_than_was_asked_for(self, settings: ClientCertificateSettings) -> None:
        asked = timedelta(hours=settings.validity_hours)
        (warning,) = expiry.warnings(settings, NOW, NOW + asked - timedelta(seconds=1), FAR, NOW)

        assert warning.startswith(
            f"clientCertificate.validityHours: {settings.validity_hours}: the signer has given "
            f"{settings.validity_hours - 1}, to "
        )
        assert expiry.warnings(settings, NOW - timedelta(minutes=5), NOW + asked, FAR, NOW) == [], "dated back"

    @given(st.integers(1, 20_000), st.integers(0, 20_000), st.integers(-100, 20_000))
    def test_never_where_renewals_begin_early_enough(self, validity: int, early: int, left: int) -> None:
        """A month before the end, or in the last quarter of a short life; whatever the time is."""
        enough = max(early, min(720, validity // 4 + 1))
        end = NOW + timedelta(hours=min(left, validity))

        assert expiry.warnings(certificate(validity, enough), end - timedelta(hours=validity), end, FAR, NOW) == []

    def test_of_an_authority_that_can_not_issue_the_next_one(self) -> None:
        end = NOW + timedelta(days=365)
        due_and_valid = end - timedelta(days=30) + timedelta(days=365)

        assert warnings(certificate(), end, due_and_valid) == []
        assert warnings(certificate(), end, due_and_valid - timedelta(minutes=1)) == [
            "certificateAuthority: it ends 2028-10-23 11:59 UTC, in 699 days; the certificate that is due "
            "2027-10-24 12:00 UTC would outlive it: rotate it before (docs/ca-rotation.md)"
        ]


@pytest.mark.parametrize(
    ("left", "days"), [(timedelta(days=2, hours=23), 2), (timedelta(hours=1), 0), (-timedelta(9), 0)]
)
def test_days_left_are_whole_and_never_negative(left: timedelta, days: int) -> None:
    assert expiry.days_left(NOW + left, NOW) == days
