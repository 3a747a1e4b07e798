"""A cluster without nodes (etcd, one API server, controller manager) that certificates are tested against.

It has two service accounts with the roles of docs/certificates.md: one may request certificates, one may approve them.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from development import toolchain
from development.lab import control_plane, loopback, network
from development.lab.control_plane.programs import API_SERVERS
from development.paths import Lab

_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "certificates.md"
_SECONDS = 60.0
_REVIEW = '{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"default"}}'

Right = tuple[str, str, str]
"""An API group, a resource of it, a verb."""


@dataclass(frozen=True)
class Cluster:
    """The cluster as seen by an administrator, and by the owner of a client certificate."""

    lab: Lab

    @property
    def authority(self) -> Path:
        """The certificate of the cluster's CA."""
        return self.lab.cert / "ca.pem"

    @property
    def requester(self) -> Path:
        """The kubeconfig of the account that may request certificates."""
        return self.lab.state / "requester.kubeconfig"

    @property
    def approver(self) -> Path:
        """The kubeconfig of the account that may approve requests."""
        return self.lab.state / "approver.kubeconfig"

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        return self._kubectl(f"--kubeconfig={self.lab.admin_kubeconfig}", *arguments, stdin=stdin)

    def trust(self, authority: str) -> None:
        """Has the API servers accept clients of one more CA; they reload the file when it changes."""
        with (self.lab.cert / "trust.pem").open("a") as bundle:
            bundle.write(authority)

    def as_client(self, directory: Path, *arguments: str, stdin: str = "") -> str:
        """Runs kubectl with a directory's `client.pem` and `client.key`; waits until the API servers accept their CA."""
        user = {"client-certificate": "client.pem", "client-key": "client.key"}
        (directory / "client.kubeconfig").write_text(self._kubeconfig(user))
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                return self._kubectl(f"--kubeconfig={directory / 'client.kubeconfig'}", *arguments, stdin=stdin)
            except subprocess.CalledProcessError as error:
                if "Unauthorized" not in error.stderr or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def user(self, directory: Path) -> dict[str, Any]:
        """Returns the user that the API servers see: `username`, `groups`."""
        return dict(json.loads(self.as_client(directory, "auth", "whoami", "--output=json"))["status"]["userInfo"])

    def rights(self, directory: Path) -> set[Right]:
        """Returns the client's rights, without those that every user has."""
        create = ("create", "--raw=/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", "--filename=-")
        review = json.loads(self.as_client(directory, *create, stdin=_REVIEW))
        return _rights(review["status"]["resourceRules"]) - self.rights_of("system:basic-user")

    def rights_of(self, role: str) -> set[Right]:
        return _rights(json.loads(self.kubectl("get", "clusterrole", role, "--output=json"))["rules"])

    @contextmanager
    def answering(self, *verbs: str) -> Iterator[list[str]]:
        """Approves or denies requests while the body runs, one for each verb; yields the requests' names."""
        names: list[str] = []

        def answer() -> None:
            for verb in verbs:
                names.append(self._answer(verb))

        with ThreadPoolExecutor(1) as executor:
            future = executor.submit(answer)
            yield names
            future.result()

    def requests(self) -> dict[str, list[str]]:
        """Returns the types of each request's conditions, by the request's name."""
        items = json.loads(self._kubectl(f"--kubeconfig={self.approver}", "get", "csr", "--output=json", stdin=""))[
            "items"
        ]
        conditions = {item["metadata"]["name"]: item["status"].get("conditions", []) for item in items}
        return {name: [condition["type"] for condition in found] for name, found in conditions.items()}

    def _answer(self, verb: str) -> str:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            for name in (name for name, conditions in self.requests().items() if not conditions):
                self._kubectl(f"--kubeconfig={self.approver}", "certificate", verb, name, stdin="")
                return name
            time.sleep(0.2)
        raise TimeoutError(f"no request to {verb} within {_SECONDS:.0f} s")

    def _kubeconfig(self, user: dict[str, str]) -> str:
        configuration = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "--output=json"))
        configuration["users"][0]["user"] = user
        return json.dumps(configuration)

    def create_accounts(self) -> None:
        """Creates the two service accounts and their kubeconfigs."""
        roles = yaml.safe_load_all(_DOCUMENTATION.read_text().partition("```yaml\n")[2].partition("```")[0])
        for file, role in zip((self.requester, self.approver), roles, strict=True):
            rules = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": file.stem}, **role}
            self.kubectl("create", "--filename=-", stdin=json.dumps(rules))
            self.kubectl("create", "serviceaccount", file.stem)
            binding = (f"--clusterrole={file.stem}", f"--serviceaccount=default:{file.stem}")
            self.kubectl("create", "clusterrolebinding", file.stem, *binding)
            file.write_text(self._kubeconfig({"token": self.kubectl("create", "token", file.stem).strip()}))

    def _kubectl(self, *arguments: str | Path, stdin: str) -> str:
        command = [self.lab.bin / "kubectl", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=True).stdout


@contextmanager
def running(directory: Path) -> Iterator[Cluster]:
    """Runs a lab's control plane with one API server, from the tools that `make prepare` builds."""
    lab = Lab(directory)
    lab.create()
    toolchain.link(lab)
    try:
        network.start(lab)
        control_plane.start(lab, loopback.choose(lab), list(API_SERVERS)[:1])
        cluster = Cluster(lab)
        cluster.create_accounts()
        yield cluster
    finally:
        control_plane.stop(lab)
        network.stop(lab)


def _rights(rules: list[dict[str, list[str]]]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule.get("apiGroups", [])
        for resource in rule.get("resources", [])
        for verb in rule["verbs"]
    }
