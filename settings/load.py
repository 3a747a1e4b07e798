"""Turn a stack's values into settings, and find all of their problems."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from settings.binary import Binary, read_binary
from settings.certificate_authority import CertificateAuthoritySettings, read_certificate_authority
from settings.files import Files
from settings.nodes import NodeSettings, list_nodes, read_nodes
from settings.problems import Location, Problem, Problems, SettingsError
from settings.section import read_section
from settings.stack import ClientCertificateSettings, Cluster, RolloutSettings, Service, Stack


@dataclass(frozen=True)
class Settings:
    """The configuration of a stack: complete, checked, frozen. `warnings` are for its author and block nothing."""

    cluster: Cluster
    certificate_authority: CertificateAuthoritySettings
    client_certificate: ClientCertificateSettings
    nodes: tuple[NodeSettings, ...]
    binary: Binary
    service: Service
    rollout: RolloutSettings
    warnings: tuple[Problem, ...] = ()


def load(values: Mapping[str, object], project_directory: Path) -> Settings:
    """Return the settings of a stack, with their warnings.

    Args:
        values: the configuration's keys without their `kube-proxy:`, each with its parsed value; secrets as plain text.
        project_directory: where relative paths start.

    Raises:
        SettingsError: with every problem of the stack, and every warning, in the order of `values`.
    """
    problems = Problems()
    settings, read = _read(values, Files(project_directory, problems))
    warnings = problems.warnings(read)
    if errors := problems.errors(read):
        raise SettingsError(errors, warnings)
    if settings is None:
        raise RuntimeError("the settings are incomplete although no problem was found: please report this")
    return replace(settings, warnings=warnings)


def find_problems(
    values: Mapping[str, object], project_directory: Path, unreadable: Collection[Location]
) -> tuple[Problem, ...]:
    """Return every problem and every warning of a stack, also on a machine that doesn't deploy it.

    A file that is not on this machine is a warning, except for `nodesFile`. The values at the locations in
    `unreadable` are encrypted, and are not checked.
    """
    problems = Problems(unreadable)
    _, read = _read(values, Files(project_directory, problems, elsewhere=True))
    return (*problems.errors(read), *problems.warnings(read))


def _read(values: Mapping[str, object], files: Files) -> tuple[Settings | None, Mapping[str, object]]:
    """Return the settings, or None if something is missing, and the values in the order in which problems are reported.

    In these values nodesFile is replaced by its content, and unset keys are at the end.
    """
    stack = read_section(Stack, values, files.problems)
    values, at, sections = list_nodes(stack, values, files)
    values = {**values, **{key: None for key in Stack.known_keys() if key not in values}}
    authority = read_certificate_authority(stack, values, files)
    nodes = read_nodes(stack, sections, at, files)
    binary = read_binary(stack.binary, stack.cluster.version, files)
    if authority is None:
        return None, values
    settings = Settings(
        cluster=stack.cluster,
        certificate_authority=authority,
        client_certificate=stack.client_certificate,
        nodes=nodes,
        binary=binary,
        service=stack.service,
        rollout=stack.rollout,
    )
    return settings, values
