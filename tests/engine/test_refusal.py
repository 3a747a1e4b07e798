"""An expected refusal is one message: the project's own program under the real engine."""

from pathlib import Path

import pytest
import yaml

from development.pulumi_stand_ins.tests.project import Project
from tests.certificates.stack import REPOSITORY, Stack


class Whole(Stack):
    """A stack of the project's `__main__.py`, configured by Pulumi.dev.yaml."""

    def _program(self) -> str:
        file = self.directory / "Pulumi.dev.yaml"
        stack = yaml.safe_load(file.read_text())
        stack["config"] = {f"kube-proxy:{key}": value for key, value in self.values.items()}
        file.write_text(yaml.safe_dump(stack))
        return f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n{(REPOSITORY / '__main__.py').read_text()}"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    project = Project(tmp_path / "project")
    project.prepare()
    whole = Whole(project)
    whole.authority(days=30)
    return whole


def test_a_refused_preview_fails_with_the_message_and_no_traceback(stack: Stack) -> None:
    printed = stack.failing_pulumi("preview")

    assert "clientCertificate.validityHours: Invalid value: 8760: must end before the certificate" in printed
    assert "Traceback" not in printed
    assert "KeyboardInterrupt" not in printed
