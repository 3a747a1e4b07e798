"""A node's report is found in the output of its activation, whatever the login's shell prints around it."""

import pulumi
import pytest

from components.report import parse
from tests.components.recorder import REPORT


@pytest.mark.parametrize(
    "text",
    [
        REPORT,
        f"\n---\n{REPORT}...",
        f"\x1b]0;root@k8s-node01 > \n---\n{REPORT}...",
        f"Welcome!\n---\nAuthorized use only\n---\n{REPORT}...\nbye",
        f"---\n{REPORT.replace('abc', 'old')}...\n---\n{REPORT}...\n",
    ],
)
def test_report_is_found(text: str) -> None:
    assert parse("k8s-node01", text)["generation"] == "abc"


HOSTILE = [
    "x" * 20_000_000,
    "---\n" + "[" * 3000 + "\n...",
    "---\n" * 300_000,
    "---\n"
    + REPORT
    + "virtualServers:\n- &a {server: s, realServers: ["
    + "x," * 8000
    + "]}\n"
    + "- *a\n" * 8000
    + "...\n",
    "---\n" + REPORT.replace("abc", r'"\e]0;title\a"') + "...\n",
]
"""What a node that is not ours any more may answer."""


@pytest.mark.parametrize("text", [None, "", "Welcome!", "a: [", "---\nactive: yes\n...", f"hi\n{REPORT}", *HOSTILE])
def test_output_without_a_report_is_an_error_with_the_node_and_the_way_out(text: str | None) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        parse("k8s-node01", text)
    assert str(raised.value).startswith("k8s-node01: the output of its last activation must have kube-proxy's report")
    assert "change rollout.healthTimeoutSeconds by a second" in str(raised.value)
    assert len(str(raised.value)) < 700
