"""The kubeconfig for certificate requests, reduced to one context and the contents of its files.

It is what `kubectl config view --minify --flatten` prints. The text goes into the stack's state, encrypted, so it must
not have the credentials of other clusters; and the kubernetes plugin can't read the files beside a kubeconfig.
"""

import json
from base64 import b64encode
from typing import Final

import yaml
from pydantic import BaseModel, Field, SecretStr, ValidationError

from settings import yaml_reader
from settings.files import Files
from settings.private_keys import file_or_secret
from settings.problems import Kind, Location, supported_values
from settings.stack import Stack

_FILE: Location = ("certificateAuthority", "kubeconfigFile")
_SECRET: Location = ("adminKubeconfig",)
_CONTEXT: Location = ("certificateAuthority", "context")

_EMBEDDED: Final = ("certificate-authority", "client-certificate", "client-key")
"""Keys that name a file. The same key with `-data` has the content of the file (client-go, api/v1/types.go)."""


class _Cluster(BaseModel):
    name: str
    cluster: dict[str, object]


class _User(BaseModel):
    name: str
    user: dict[str, object]


class _Names(BaseModel):
    cluster: str
    user: str


class _Context(BaseModel):
    name: str
    context: _Names


class _Kubeconfig(BaseModel):
    clusters: list[_Cluster]
    users: list[_User]
    contexts: list[_Context]
    current: str = Field(default="", alias="current-context")


def read_kubeconfig(stack: Stack, files: Files) -> SecretStr | None:
    """Return the kubeconfig as JSON, or None and problems."""
    name = stack.certificate_authority.kubeconfig_file
    what = "the kubeconfig with which to ask for certificates (e.g. ~/.kube/config)"
    given = file_or_secret(files, name, _FILE, stack.admin_kubeconfig, _SECRET, what, itself="it")
    if given is None:
        return None
    try:
        config = _Kubeconfig.model_validate(yaml_reader.load(given.text))
    except (yaml.YAMLError, ValidationError):
        must = "must be a kubeconfig with clusters, users and contexts, as kubectl config view --raw prints it"
        files.problems.invalid(given.at, given.shown, must)
        return None
    context = _context(stack, config, files)
    if context is None:
        return None
    cluster = next((each for each in config.clusters if each.name == context.context.cluster), None)
    user = next((each for each in config.users if each.name == context.context.user), None)
    if cluster is None or user is None:
        must = f'must have the cluster and the user of its context "{context.name}"'
        files.problems.invalid(given.at, given.shown, must)
        return None
    beside = files if name is None else Files(files.path(name).parent, files.problems, files.elsewhere)
    return SecretStr(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": cluster.name, "cluster": _embedded(cluster.cluster, beside, given.at)}],
                "users": [{"name": user.name, "user": _embedded(user.user, beside, given.at)}],
                "contexts": [context.model_dump()],
                "current-context": context.name,
            }
        )
    )


def _context(stack: Stack, config: _Kubeconfig, files: Files) -> _Context | None:
    wanted = stack.certificate_authority.context or config.current
    names = [each.name for each in config.contexts]
    if wanted in names:
        return config.contexts[names.index(wanted)]
    if wanted:
        files.problems.add(_CONTEXT, Kind.UNSUPPORTED, wanted, supported_values(names))
    else:
        must = f"must name a context of the kubeconfig, which has no current one; {supported_values(names)}"
        files.problems.required(_CONTEXT, must)
    return None


def _embedded(values: dict[str, object], files: Files, at: Location) -> dict[str, object]:
    """Return a cluster or a user with each file name replaced by the content."""
    embedded = dict(values)
    for key in _EMBEDDED:
        file = embedded.pop(key, None)
        if isinstance(file, str) and f"{key}-data" not in embedded:
            content = files.content(file, at)
            embedded[f"{key}-data"] = b64encode(content or b"").decode()
    if isinstance(file := embedded.get("tokenFile"), str):
        embedded["tokenFile"] = str(files.path(file))
    return embedded
