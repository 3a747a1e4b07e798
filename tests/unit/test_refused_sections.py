"""Invalid values of the smaller sections, and the message for each."""

from collections.abc import Callable
from typing import Any

import pytest

from settings.versions import SUPPORTED_MINORS
from tests.unit.conftest import ABSENT

WHOLE_NUMBER = "must be a whole number from"

CASES: list[tuple[str, object, str]] = [
    ("clster", {}, 'Forbidden: unknown key; did you mean "cluster"?'),
    ("clster", None, 'Forbidden: unknown key; did you mean "cluster"?'),
    ("cluster.clusterCidr", "172.30.0.0/16", 'Forbidden: unknown key; did you mean "clusterCIDR"?'),
    ("nodes[2].ssh.prot", 22, 'Forbidden: unknown key; did you mean "port"?'),
    ("binary.sha256.x86_64", "0" * 64, "Forbidden: unknown key; known keys: amd64, arm64"),
    (
        "service[log level]",
        2,
        "Forbidden: unknown key; known keys: k8sDir, unitDirectory, binaryDirectory, verbosity, hardened",
    ),
    (
        "ssh.user",
        "-oProxyCommand=x",
        "Invalid value: \"-oProxyCommand=x\": must be a user's name of letters, digits, '_', '.', '@' and '-' (e.g. deploy)",
    ),
    ("certificateAuthority.generate", "yes", 'Invalid value: "yes": must be true or false'),
    ("clientCertificate.perNode", 1, "Invalid value: 1: must be true or false"),
    ("clientCertificate.validityHours", 0, "Invalid value: 0: must be a whole number of hours from 1 to 876000"),
    (
        "clientCertificate.renewBeforeHours",
        8760,
        "Invalid value: 8760: must be less than clientCertificate.validityHours (8760)",
    ),
    (
        "clientCertificate.subject.country",
        "China",
        'Invalid value: "China": must be two capital letters, from ISO 3166 (e.g. CN)',
    ),
    (
        "clientCertificate.subject.organization",
        "system:masters",
        'Invalid value: "system:masters": must not be a cluster administrators\' group: '
        "kube-proxy needs only system:node-proxier",
    ),
    *(
        (
            "clientCertificate.subject.organization",
            group,
            f'Invalid value: "{group}": must not be a group of Kubernetes\' own (system:…) but system:node-proxier or '
            "system:kube-proxy: kube-proxy needs none",
        )
        for group in ("system:nodes", "system:serviceaccounts", "system:monitoring", "system:", "system:node-proxier ")
    ),
    (
        "clientCertificate.subject.organization",
        ["k8s", "kubeadm:cluster-admins"],
        'Invalid value: ["k8s", "kubeadm:cluster-admins"]: must not be a cluster administrators\' group: '
        "kube-proxy needs only system:node-proxier",
    ),
    ("clientCertificate.subject.organization", ["k8s", ""], 'Invalid value: ["k8s", ""]: must be one line of text'),
    (
        "clientCertificate.subject.organization",
        ["k8s", "k8s"],
        'Invalid value: ["k8s", "k8s"]: must name each organization once',
    ),
    (
        "clientCertificate.subject.organization",
        [["k8s"]],
        'Invalid value: [["k8s"]]: must be one name or a list of names (e.g. k8s, or [k8s, proxies])',
    ),
    (
        "clientCertificate.keyAlgorithm",
        "RSA-1024",
        'Unsupported value: "RSA-1024": supported values: "RSA-2048", "RSA-3072", "RSA-4096", "ECDSA-P256", '
        '"ECDSA-P384", "Ed25519"',
    ),
    ("clientCertificate.subject.locality", "", 'Invalid value: "": must be one line of text'),
    (
        "clientCertificate.subject.organizationalUnit",
        "x" * 65,
        f'Invalid value: "{"x" * 65}": must be at most 64 characters',
    ),
    ("service.verbosity", 11, f"Invalid value: 11: {WHOLE_NUMBER} 0 to 10"),
    *(
        (
            key,
            path,
            f"Invalid value: \"{path}\": must be an absolute path of at most 255 letters, digits, '.', '_', '-' "
            "(e.g. /opt/k8s)",
        )
        for key in ("service.k8sDir", "service.binaryDirectory")
        for path in ("opt/k8s", "/", "/opt/%n", "/opt/k 8s", "/opt/../etc", "/opt/k8s/", "/opt//k8s")
    ),
    *(
        (
            "service.binaryDirectory",
            path,
            f'Invalid value: "{path}": must be a directory for programs (e.g. /opt/bin), not in /tmp, /var/tmp, /run, '
            "/var/run, /dev, /proc, /sys, /etc or /var/lib/kube-proxy-generations",
        )
        for path in (
            "/run/bin",
            "/proc",
            "/sys/x",
            "/etc/kubernetes",
            "/var/run",
            "/var/lib/kube-proxy-generations.removed",
        )
    ),
    *(
        (
            "service.unitDirectory",
            path,
            f'Unsupported value: "{path}": supported values: "/usr/lib/systemd/system", "/etc/systemd/system"',
        )
        for path in ("/run/systemd/system", "/etc/systemd/system/", "/etc/../usr/lib/systemd/system", "/")
    ),
    (
        "service.binaryDirectory",
        "/opt/k8s",
        'Invalid value: "/opt/k8s": must not put the binary where the working directory is: /opt/k8s/kube-proxy (k8sDir)',
    ),
    *(
        (
            key,
            f"/usr/lib/systemd/system/kube-proxy.service{below}",
            f'Invalid value: "/usr/lib/systemd/system/kube-proxy.service{below}": must be a directory, not the unit',
        )
        for key in ("service.k8sDir", "service.binaryDirectory")
        for below in ("", "/bin")
    ),
    ("rollout.cannary", 1, 'Forbidden: unknown key; did you mean "canary"?'),
    ("rollout.canary", -1, "Invalid value: -1: must be a whole number of nodes from 0 to 100000"),
    *(
        (
            "rollout.maxUnavailable",
            value,
            f"Invalid value: {shown}: must be a number of nodes from 1, or a percentage from 1% to 100% (e.g. 25%)",
        )
        for value, shown in (
            (0, "0"),
            ("0%", '"0%"'),
            ("101%", '"101%"'),
            ("a quarter", '"a quarter"'),
            (True, "true"),
        )
    ),
    ("rollout.healthTimeoutSeconds", 4, "Invalid value: 4: must be a whole number of seconds from 5 to 3600"),
    ("binary.version", ABSENT, "Required value: must be kube-proxy's version (e.g. 1.36.2)"),
    (
        "binary.version",
        "1.33.4",
        f'Invalid value: "1.33.4": must be one of 1.34 to 1.{SUPPORTED_MINORS[-1]} (e.g. 1.36.2)',
    ),
    (
        "binary.version",
        "1.37.0",
        'Invalid value: "1.37.0": must not be newer than cluster.version 1.36.2 (Kubernetes\' version skew policy): '
        "use 1.36, or upgrade the control plane first",
    ),
    (
        "binary.source",
        "mirror",
        'Unsupported value: "mirror": supported values: "preinstalled", "file", "url"',
    ),
    (
        "binary.url",
        "https://example.org/kube-proxy",
        "Forbidden: belongs to source: url, not preinstalled: remove it, or change source",
    ),
    (
        "binary.path",
        "kube-proxy",
        "Forbidden: belongs to source: file, not preinstalled: remove it, or change source",
    ),
]


@pytest.mark.parametrize(("where", "value", "message"), CASES)
def test_invalid_value_is_refused(
    refused_with: Callable[[str, object], list[str]], where: str, value: object, message: str
) -> None:
    assert refused_with(where, value) == [f"{where}: {message}"]


@pytest.mark.parametrize(("key", "where"), [(None, "cluster.None"), (1, "cluster[1]"), (1.5, "cluster[1.5]")])
def test_key_that_is_not_a_string_is_refused(
    values: dict[str, Any], refused: Callable[[dict[str, Any]], list[str]], key: object, where: str
) -> None:
    values["cluster"][key] = 1
    assert refused(values) == [f"{where}: Forbidden: every key must be a string: put it in quotes"]


@pytest.mark.parametrize("key", ["k8sDir", "binaryDirectory"])
def test_path_must_fit_in_a_file_name(refused_with: Callable[[str, object], list[str]], key: str) -> None:
    (message,) = refused_with(f"service.{key}", f"/{'k' * 255}")
    assert "must be an absolute path of at most 255 letters" in message
