"""The lab shows Pulumi's summary, or its diagnostics when it fails."""

from development.lab import stack

SUCCESS = ["Updating (dev):", "", "Resources:", "    + 2 created", "    14 unchanged", "", "Duration: 2s"]
FAILURE = [
    " +  pulumi:pulumi:Stack kube-proxy-dev creating",
    "Diagnostics:",
    "  pulumi:pulumi:Stack (kube-proxy-dev):",
    "    warning: using pulumi-resource-tls from $PATH at /somewhere",
    "    error: nodes[1].hostKey: Required value",
]


def test_the_summary_is_the_list_of_changes() -> None:
    assert stack.block(SUCCESS, "Resources:") == ["+ 2 created", "14 unchanged"]


def test_output_without_a_summary_is_accepted() -> None:
    assert stack.block(FAILURE, "Resources:") == []


def test_diagnostics_leave_out_the_plugins_paths() -> None:
    assert stack.diagnostics(FAILURE) == [FAILURE[1], FAILURE[2], FAILURE[4]]


def test_a_failure_without_diagnostics_shows_the_last_lines() -> None:
    assert stack.diagnostics([str(number) for number in range(30)]) == [str(number) for number in range(20, 30)]
