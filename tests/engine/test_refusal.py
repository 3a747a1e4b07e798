"""An expected refusal is one message: the project's own program under the real engine."""

from pathlib import Path

import pytest

from development.pulumi_stand_ins.tests.project import Project
from tests.certificates.stack import Stack, WholeStack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    project = Project(tmp_path / "project")
    project.prepare()
    whole = WholeStack(project)
    whole.authority(days=30)
    return whole


def test_a_refused_preview_fails_with_the_message_and_no_traceback(stack: Stack) -> None:
    printed = stack.failing_pulumi("preview")

    assert "clientCertificate.validityHours: Invalid value: 8760: must end before the certificate" in printed
    assert "Traceback" not in printed
    assert "KeyboardInterrupt" not in printed
