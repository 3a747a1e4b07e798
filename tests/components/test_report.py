"""A node's report, as the command plugin hands it over: with all that the login has printed."""

import pytest

from components import report
from tests.components.recorder import REPORT


@pytest.mark.parametrize("printed", ["", "Last login: Monday: from 10.0.0.1\n", "]0;root@k8s-node01 > "])
def test_what_a_login_prints_before_the_report_is_skipped(printed: str) -> None:
    assert report.parse(printed + REPORT)["generation"] == "abc"


def test_output_without_a_report_is_an_error() -> None:
    with pytest.raises(ValueError, match="Report"):
        report.parse("This account is not available.\n")
