"""A signer in the cluster instead of a CA's key: its name, the kubeconfig for requests, and what excludes it."""

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import KubernetesSigner, Settings

Values = dict[str, Any]
Load = Callable[[Values], Settings]
Refused = Callable[[Values], list[str]]

SIGNER = "kubernetes.io/kube-apiserver-client"
AT = "certificateAuthority.kubeconfigFile"


def kubeconfig() -> Values:
    """A kubeconfig with two contexts, one of which uses files beside it."""
    return {
        "clusters": [
            {"name": "prod", "cluster": {"server": "https://10.0.0.1:6443", "certificate-authority": "../ca.pem"}},
            {"name": "lab", "cluster": {"server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": True}},
        ],
        "users": [
            {"name": "admin", "user": {"client-certificate": "admin.pem", "client-key": "admin.key"}},
            {"name": "guest", "user": {"token": "guest", "tokenFile": "token"}},
        ],
        "contexts": [
            {"name": "admin@prod", "context": {"cluster": "prod", "user": "admin", "namespace": "default"}},
            {"name": "guest@lab", "context": {"cluster": "lab", "user": "guest"}},
        ],
        "current-context": "admin@prod",
    }


@pytest.fixture
def asking(values: Values, project: Path) -> Values:
    """A stack with a signer, and a kubeconfig in a separate directory."""
    (project / "kube").mkdir()
    (project / "kube" / "admin.pem").write_text("CERTIFICATE")
    (project / "kube" / "admin.key").write_text("KEY")
    (project / "kube" / "config").write_text(yaml.safe_dump(kubeconfig()))
    values["certificateAuthority"] = {"signer": SIGNER, "certificateFile": "ca.pem", "kubeconfigFile": "kube/config"}
    return values


def signer(settings: Settings) -> KubernetesSigner:
    found = settings.certificate_authority
    assert isinstance(found, KubernetesSigner)
    return found


def asked_with(settings: Settings) -> Values:
    return dict(json.loads(signer(settings).kubeconfig.get_secret_value()))


class TestSigner:
    def test_signer_has_a_name_and_the_certificates_of_its_ca(
        self, asking: Values, loaded: Load, project: Path
    ) -> None:
        found = signer(loaded(asking))

        assert (found.name, found.approval_timeout_seconds, found.chain_pem) == (SIGNER, 600, "")
        assert found.trust_bundle_pem == (project / "ca.pem").read_text()
        assert timedelta(days=3649) < found.not_after - datetime.now(UTC) < timedelta(days=3650)

    @pytest.mark.parametrize("name", ["example.com/clients", "clusterissuers.cert-manager.io/vault"])
    def test_signer_may_be_a_custom_one(self, asking: Values, loaded: Load, name: str) -> None:
        asking["certificateAuthority"]["signer"] = name

        assert signer(loaded(asking)).name == name

    @pytest.mark.parametrize(
        "name",
        ["kubernetes.io/kubelet-serving", "kubernetes.io/legacy-unknown", "x.kubernetes.io/y", "vault", "a/b", ""],
    )
    def test_signer_must_sign_for_api_clients(self, asking: Values, refused: Refused, name: str) -> None:
        asking["certificateAuthority"]["signer"] = name

        assert (
            f'certificateAuthority.signer: Invalid value: "{name}": must be {SIGNER}, or a custom signer '
            in (refused(asking)[0])
        )

    def test_signer_needs_the_certificate_of_its_ca(self, asking: Values, refused: Refused) -> None:
        del asking["certificateAuthority"]["certificateFile"]

        assert refused(asking) == [
            "certificateAuthority.certificateFile: Required value: must name the certificate authority's certificate "
            "(e.g. cert/ca.pem)"
        ]

    def test_signer_limits_validity_to_31_bits_of_seconds(self, asking: Values, loaded: Load, refused: Refused) -> None:
        asking["clientCertificate"] = {"validityHours": 596_523}
        loaded(asking)
        asking["clientCertificate"] = {"validityHours": 596_524}

        assert refused(asking) == [
            "clientCertificate.validityHours: Invalid value: 596524: must be at most 596523 with "
            "certificateAuthority.signer: a request's expirationSeconds has 31 bits"
        ]


class TestExclusions:
    def test_signer_excludes_a_ca_key(self, asking: Values, refused: Refused) -> None:
        asking["certificateAuthority"]["privateKeyFile"] = "ca-key.pem"
        asking["caPrivateKey"] = "a key"
        message = "Forbidden: must not be set together with certificateAuthority.signer: keep one of the two"

        assert refused(asking) == [f"certificateAuthority.privateKeyFile: {message}", f"caPrivateKey: {message}"]

    def test_generated_ca_excludes_a_signer(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"] = {"generate": True, "signer": SIGNER}
        values["adminKubeconfig"] = "a kubeconfig"

        assert refused(values) == [
            "certificateAuthority.signer: Forbidden: must not be set together with certificateAuthority.generate: "
            "keep one of the two"
        ]

    def test_request_keys_need_a_signer(self, values: Values, refused: Refused) -> None:
        values["certificateAuthority"] |= {"kubeconfigFile": "x", "context": "x", "approvalTimeoutSeconds": 1}
        values["adminKubeconfig"] = "x"
        message = "Forbidden: must not be set without certificateAuthority.signer"

        assert refused(values) == [
            f"certificateAuthority.kubeconfigFile: {message}",
            f"certificateAuthority.context: {message}",
            f"certificateAuthority.approvalTimeoutSeconds: {message}",
            f"adminKubeconfig: {message}",
        ]


class TestKubeconfig:
    def test_kubeconfig_is_reduced_to_one_context_with_embedded_files(
        self, asking: Values, loaded: Load, project: Path
    ) -> None:
        found = asked_with(loaded(asking))

        assert found["contexts"] == [{"name": "admin@prod", "context": {"cluster": "prod", "user": "admin"}}]
        assert found["current-context"] == "admin@prod"
        assert [cluster["name"] for cluster in found["clusters"]] == ["prod"]
        cluster, user = found["clusters"][0]["cluster"], found["users"][0]["user"]
        assert {key: b64decode(value) for key, value in user.items()} == {
            "client-certificate-data": b"CERTIFICATE",
            "client-key-data": b"KEY",
        }
        assert b64decode(cluster["certificate-authority-data"]) == (project / "ca.pem").read_bytes()
        assert cluster["server"] == "https://10.0.0.1:6443"

    def test_kubeconfig_context_may_be_named(self, asking: Values, loaded: Load, project: Path) -> None:
        asking["certificateAuthority"]["context"] = "guest@lab"
        found = asked_with(loaded(asking))

        assert found["users"] == [
            {"name": "guest", "user": {"token": "guest", "tokenFile": str(project / "kube" / "token")}}
        ]

    def test_kubeconfig_is_the_same_from_a_file_and_from_a_secret(self, asking: Values, loaded: Load) -> None:
        alone = asked_with(loaded(asking))
        del asking["certificateAuthority"]["kubeconfigFile"]
        asking["adminKubeconfig"] = json.dumps(alone)

        assert asked_with(loaded(asking)) == alone

    def test_signer_needs_a_kubeconfig(self, asking: Values, refused: Refused) -> None:
        del asking["certificateAuthority"]["kubeconfigFile"]

        assert refused(asking) == [
            f"{AT}: Required value: must name the file with the kubeconfig for certificate requests "
            "(e.g. ~/.kube/config); or set a secret of the stack instead: "
            "pulumi config set --secret kube-proxy:adminKubeconfig < FILE"
        ]

    @pytest.mark.parametrize("text", ["no: kubeconfig", "- a\n- list", "'", "clusters: []\nusers: []", "a: 1\na: 2"])
    def test_kubeconfig_must_have_clusters_users_and_contexts(
        self, asking: Values, refused: Refused, project: Path, text: str
    ) -> None:
        (project / "kube" / "config").write_text(text)

        assert refused(asking) == [
            f'{AT}: Invalid value: "kube/config": must be a kubeconfig with clusters, users and contexts, '
            "as kubectl config view --raw prints it"
        ]

    def test_kubeconfig_from_a_secret_is_never_shown(self, asking: Values, refused: Refused) -> None:
        del asking["certificateAuthority"]["kubeconfigFile"]
        asking["adminKubeconfig"] = "token: hunter2"

        assert refused(asking) == [
            "adminKubeconfig: Invalid value: must be a kubeconfig with clusters, users and contexts, "
            "as kubectl config view --raw prints it"
        ]

    def test_kubeconfig_must_have_the_context(self, asking: Values, refused: Refused, project: Path) -> None:
        asking["certificateAuthority"]["context"] = "admin@test"
        assert refused(asking) == [
            'certificateAuthority.context: Unsupported value: "admin@test": supported values: "admin@prod", "guest@lab"'
        ]
        del asking["certificateAuthority"]["context"]
        (project / "kube" / "config").write_text(yaml.safe_dump({**kubeconfig(), "current-context": ""}))
        assert refused(asking) == [
            "certificateAuthority.context: Required value: must name a context of the kubeconfig, which has no "
            'current-context; supported values: "admin@prod", "guest@lab"'
        ]

    def test_kubeconfig_must_have_the_user_of_its_context(
        self, asking: Values, refused: Refused, project: Path
    ) -> None:
        (project / "kube" / "config").write_text(yaml.safe_dump({**kubeconfig(), "users": []}))

        assert refused(asking) == [
            f'{AT}: Invalid value: "kube/config": must have the cluster and the user of its context "admin@prod"'
        ]

    def test_file_name_in_a_secret_kubeconfig_is_not_shown(self, asking: Values, refused: Refused) -> None:
        del asking["certificateAuthority"]["kubeconfigFile"]
        asking["adminKubeconfig"] = yaml.safe_dump(kubeconfig()).replace("admin.key", "hunter2")

        assert refused(asking) == [
            "adminKubeconfig: Not found: must name an existing file; "
            "kubectl config view --raw --flatten has the contents of the files that it names"
        ]

    @pytest.mark.parametrize(
        "value", ["!!int hunter2", "!!binary hunter2", "*hunter2", "{? hunter2 : !!set {hunter2}}"]
    )
    def test_no_part_of_a_secret_kubeconfig_is_shown(self, asking: Values, refused: Refused, value: str) -> None:
        del asking["certificateAuthority"]["kubeconfigFile"]
        asking["adminKubeconfig"] = yaml.safe_dump(kubeconfig()).replace("client-key: admin.key", f"token: {value}")

        (problem,) = refused(asking)
        assert problem.startswith(
            "adminKubeconfig: Invalid value: must be a kubeconfig with clusters, users and contexts"
        )

    def test_kubeconfig_files_must_exist_beside_it(self, asking: Values, refused: Refused, project: Path) -> None:
        (project / "kube" / "admin.key").unlink()

        assert refused(asking) == [
            f'{AT}: Not found: "admin.key": must name an existing file; looked for PROJECT/kube/admin.key'
        ]
