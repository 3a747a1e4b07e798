"""From a stack's values to settings: shape first, then each section, then what must fit together."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from settings import binary, certificate_authority, client_certificate, cluster, nodes, nodes_file, shape
from settings.files import Files
from settings.model import Rollout, Service, Settings
from settings.problems import Location, Problem, Problems, SettingsError
from settings.stack import NodeSection, NodesFile, RolloutSection, Stack


def load(values: Mapping[str, object], project_directory: Path) -> Settings:
    """Return the settings that a stack's values make, with what is doubtful in them as warnings.

    Args:
        values: the configuration's keys without their `kube-proxy:`, each with its parsed value; secrets as plain text.
        project_directory: where relative paths start.

    Raises:
        SettingsError: with every problem of the stack, and every warning, in the order of `values`.
    """
    problems = Problems()
    read, settings = _read(values, Files(project_directory, problems))
    warnings = problems.warnings(read)
    if errors := problems.errors(read):
        raise SettingsError(errors, warnings)
    if settings is None:
        raise RuntimeError("a part of the settings is missing although no problem was found: please report this")
    return replace(settings, warnings=warnings)


def check(
    values: Mapping[str, object], project_directory: Path, unreadable: Collection[Location]
) -> tuple[Problem, ...]:
    """Return every problem and every warning of a stack's values, wherever this runs.

    A file that is not on this machine is a warning, but for `nodesFile`, and nothing is said about the values at the
    places in `unreadable`, which are encrypted.
    """
    problems = Problems(unreadable)
    read, _ = _read(values, Files(project_directory, problems, elsewhere=True))
    return (*problems.errors(read), *problems.warnings(read))


def list_nodes(
    stack: Stack, values: Mapping[str, object], files: Files
) -> tuple[Mapping[str, object], Location, list[NodeSection]]:
    """Return the values with those of the nodes' file in place of its name, where the nodes stand there, and them."""
    if stack.nodes is None and stack.nodes_file is not None:
        items = nodes_file.read(stack.nodes_file, files)
        listed = shape.read(NodesFile, {"nodesFile": items}, files.problems).nodes_file
        return {**values, "nodesFile": items}, nodes_file.AT, listed
    if stack.nodes_file is not None:
        files.problems.forbidden(nodes_file.AT, "must not be given beside nodes: keep one of the two")
    return values, nodes.AT, stack.nodes or []


def _read(values: Mapping[str, object], files: Files) -> tuple[Mapping[str, object], Settings | None]:
    """Return the values with those of the nodes' file in place of its name, and the settings if nothing is missing."""
    problems = files.problems
    stack = shape.read(Stack, values, problems)
    values, at, listed = list_nodes(stack, values, files)
    the_cluster = cluster.read(stack.cluster, problems)
    authority = certificate_authority.read(stack, files)
    certificate = client_certificate.read(stack.client_certificate, problems)
    the_nodes = nodes.read(stack, listed, at, files)
    the_binary = binary.read(stack.binary, stack.cluster.version, files)
    if the_cluster is None or authority is None or the_binary is None:
        return values, None
    return values, Settings(
        cluster=the_cluster,
        certificate_authority=authority,
        client_certificate=certificate,
        nodes=the_nodes,
        binary=the_binary,
        service=Service(stack.service.k8s_dir, stack.service.verbosity),
        rollout=Rollout(**stack.rollout.model_dump(include=set(RolloutSection.model_fields))),
    )
