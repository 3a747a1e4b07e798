"""Type tokens, a subject and OpenSSL for the tests of the tls plugin."""

import subprocess
from pathlib import Path

KEY, REQUEST = "tls:index/privateKey:PrivateKey", "tls:index/certRequest:CertRequest"
LEAF, SELF = "tls:index/locallySignedCert:LocallySignedCert", "tls:index/selfSignedCert:SelfSignedCert"
SUBJECT = {
    "commonName": "system:kube-proxy", "country": "CN", "locality": "Suzhou", "organization": "k8s",
    "organizationalUnit": "wangxyd", "province": "Jiangsu",
}  # fmt: skip
ANOTHER_PEM = "-----BEGIN {0}-----\nMAA=\n-----END {0}-----\n"


def openssl(*arguments: str | Path, text: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=True).stdout
