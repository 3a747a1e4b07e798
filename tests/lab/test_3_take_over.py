"""A node that a guide or another project set up: adopt writes the stack, and `pulumi up` takes over without a failed request.

One of the layouts in each run, in turn by the day; `make soak PARTS=takeovers` tries all.
"""

from datetime import UTC, datetime

from tests.lab.cluster import Cluster
from tests.lab.layouts import LAYOUTS
from tests.lab.takeovers import take_over


def test_layout_is_taken_over_with_one_restart_and_given_back(cluster: Cluster) -> None:
    cluster.pulumi("stack", "select", "--create", "dev")
    cluster.pulumi("destroy", "--yes", "--skip-preview")
    layout = LAYOUTS[datetime.now(UTC).toordinal() % len(LAYOUTS)]
    outcome = take_over(cluster, cluster.nodes[0], layout)
    assert outcome.restarts == 1, layout.title
    assert outcome.answers.each, layout.title
    assert not outcome.answers.failed, f"{layout.title}: {outcome.answers}"
