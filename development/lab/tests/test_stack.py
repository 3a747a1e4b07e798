"""Of all that Pulumi prints, a person sees the summary, or the diagnosis."""

from development.lab import stack

SUCCESS = ["Updating (dev):", "", "Resources:", "    + 2 created", "    14 unchanged", "", "Duration: 2s"]
FAILURE = [
    " +  pulumi:pulumi:Stack kube-proxy-dev creating",
    "Diagnostics:",
    "  pulumi:pulumi:Stack (kube-proxy-dev):",
    "    warning: using pulumi-resource-tls from $PATH at /somewhere",
    "    error: nodes[1].hostKey: Required value",
]


def test_the_summary_is_the_changes() -> None:
    assert stack.block(SUCCESS, "Resources:") == ["+ 2 created", "14 unchanged"]


def test_no_summary_is_no_error() -> None:
    assert stack.block(FAILURE, "Resources:") == []


def test_the_diagnosis_has_the_error_without_the_noise() -> None:
    assert stack.diagnostics(FAILURE) == [FAILURE[1], FAILURE[2], FAILURE[4]]


def test_a_failure_without_a_diagnosis_shows_the_last_lines() -> None:
    assert stack.diagnostics([str(number) for number in range(30)]) == [str(number) for number in range(20, 30)]
