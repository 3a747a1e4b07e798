"""From a stack's values to settings: shape first, then each section, then what must fit together."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from settings import binary, certificate_authority, client_certificate, cluster, nodes, nodes_file, shape
from settings.files import Files
from settings.model import Rollout, Service, Settings
from settings.problems import Problems, SettingsError
from settings.stack import NodesFile, Stack

SettingsPart = TypeVar("SettingsPart")


def load(values: Mapping[str, object], project_directory: Path) -> Settings:
    """Return the settings that a stack's values make.

    Args:
        values: the configuration's keys without their `kube-proxy:`, each with its parsed value; secrets as plain text.
        project_directory: where relative paths start.

    Raises:
        SettingsError: with every problem of the stack, in the order of `values`.
    """
    problems = Problems()
    files = Files(project_directory, problems)
    stack = shape.read(Stack, values, problems)
    if stack.nodes is None and stack.nodes_file is not None:
        at, items = nodes_file.AT, nodes_file.read(stack.nodes_file, files)
        values = {**values, "nodesFile": items}
        listed = shape.read(NodesFile, {"nodesFile": items}, problems).nodes_file
    else:
        at, listed = nodes.AT, stack.nodes or []
        if stack.nodes_file is not None:
            problems.forbidden(nodes_file.AT, "must not be given beside nodes: keep one of the two")

    the_cluster = cluster.read(stack.cluster, problems)
    authority = certificate_authority.read(stack, files)
    certificate = client_certificate.read(stack.client_certificate, problems)
    the_nodes = nodes.read(stack, listed, at, files)
    the_binary = binary.read(stack.binary, stack.cluster.version, files)

    if found := problems.in_document_order(values):
        raise SettingsError(found)
    return Settings(
        cluster=_complete(the_cluster),
        certificate_authority=_complete(authority),
        client_certificate=certificate,
        nodes=the_nodes,
        binary=_complete(the_binary),
        service=Service(stack.service.k8s_dir, stack.service.verbosity),
        rollout=Rollout(**stack.rollout.model_dump()),
    )


def _complete(part: SettingsPart | None) -> SettingsPart:
    if part is None:
        raise RuntimeError("a part of the settings is missing although no problem was found: please report this")
    return part
