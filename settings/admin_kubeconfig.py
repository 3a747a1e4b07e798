"""The kubeconfig for certificate requests, reduced to one context and the contents of its files.

That is what `kubectl config view --minify --flatten` prints. The text goes into the stack's state, encrypted, where
credentials of other clusters don't belong; and the kubernetes plugin can't read the files beside a kubeconfig.
"""

import json
from base64 import b64encode
from typing import Final

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError

from settings import yaml_reader
from settings.files import Files
from settings.private_keys import parse_file_or_secret
from settings.problems import Kind, Location, Problems, supported_values
from settings.stack import Stack

_FILE: Location = ("certificateAuthority", "kubeconfigFile")
_SECRET: Location = ("adminKubeconfig",)
_CONTEXT: Location = ("certificateAuthority", "context")

_EMBEDDED: Final = ("certificate-authority", "client-certificate", "client-key")
"""Keys that name a file. The same key with `-data` has the content of the file (client-go, api/v1/types.go)."""


_FLATTEN: Final = "kubectl config view --raw --flatten has the contents of the files that it names"


class _Names(BaseModel):
    cluster: str
    user: str


class _Context(BaseModel):
    name: str
    context: _Names


class _Kubeconfig(BaseModel):
    clusters: list[dict[str, object]]
    users: list[dict[str, object]]
    contexts: list[_Context]
    current: str = Field(default="", alias="current-context")


def read_kubeconfig(stack: Stack, files: Files) -> SecretStr | None:
    """Return the kubeconfig as JSON, or None and problems."""
    name = stack.certificate_authority.kubeconfig_file
    at = _SECRET if name is None else _FILE

    def parse(text: str) -> SecretStr | None:
        config = _parse(text)
        context = _context(stack, config, files.problems)
        beside = files if name is None else Files(files.path(name).parent, files.problems, files.elsewhere)
        return None if context is None else _reduced(config, context, beside, at)

    what = "the kubeconfig for certificate requests (e.g. ~/.kube/config)"
    return parse_file_or_secret(files, name, _FILE, stack.admin_kubeconfig, _SECRET, parse, what)


def _parse(text: str) -> _Kubeconfig:
    try:
        return _Kubeconfig.model_validate(yaml_reader.load_yaml(text))
    except (yaml.YAMLError, ValidationError):
        must = "must be a kubeconfig with clusters, users and contexts, as kubectl config view --raw prints it"
        raise ValueError(must) from None


def _context(stack: Stack, config: _Kubeconfig, problems: Problems) -> _Context | None:
    wanted = stack.certificate_authority.context or config.current
    names = [each.name for each in config.contexts]
    if wanted in names:
        return config.contexts[names.index(wanted)]
    if config.current and not stack.certificate_authority.context:
        raise ValueError("must have the context that its current-context names")
    if wanted:
        problems.add(_CONTEXT, Kind.UNSUPPORTED, wanted, supported_values(names))
    else:
        must = f"must name a context of the kubeconfig, which has no current-context; {supported_values(names)}"
        problems.required(_CONTEXT, must)
    return None


def _reduced(config: _Kubeconfig, context: _Context, files: Files, at: Location) -> SecretStr:
    """Return the kubeconfig with this context only."""
    cluster = _entry(config.clusters, "cluster", context.context.cluster)
    user = _entry(config.users, "user", context.context.user)
    if cluster is None or user is None:
        raise ValueError(f'must have the cluster and the user of its context "{context.name}"')
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context.context.cluster, "cluster": _embedded(cluster, files, at)}],
        "users": [{"name": context.context.user, "user": _embedded(user, files, at)}],
        "contexts": [context.model_dump()],
        "current-context": context.name,
    }
    return SecretStr(json.dumps(document))


def _entry(entries: list[dict[str, object]], kind: str, name: str) -> dict[str, object] | None:
    found = next((entry.get(kind) for entry in entries if entry.get("name") == name), None)
    return found if isinstance(found, dict) else None


def _embedded(values: dict[str, object], files: Files, at: Location) -> dict[str, object]:
    """Return a cluster or a user with each file name replaced by the content."""
    embedded = dict(values)
    for key in _EMBEDDED:
        file = embedded.pop(key, None)
        if isinstance(file, str) and f"{key}-data" not in embedded:
            content = files.content(file, at, instead=_FLATTEN if at == _SECRET else "")
            embedded[f"{key}-data"] = b64encode(content or b"").decode()
    if isinstance(file := embedded.get("tokenFile"), str):
        embedded["tokenFile"] = str(files.path(file))
    return embedded
