"""What is asked of the tls plugin for kube-proxy's identity."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from components.client_certificate import check_end
from settings import Settings
from tests.components.recorder import Deploy


def test_the_certificate_is_a_clients_and_the_guides(deploy: Deploy) -> None:
    recorder = deploy()
    assert recorder.of_type("tls:index/privateKey:PrivateKey")["client-certificate-key"] == {
        "algorithm": "RSA",
        "rsaBits": 2048,
    }
    request = recorder.of_type("tls:index/certRequest:CertRequest")["client-certificate-request"]
    assert request["subject"] == {
        "commonName": "system:kube-proxy",
        "country": "CN",
        "province": "Jiangsu",
        "locality": "Suzhou",
        "organization": "k8s",
        "organizationalUnit": "wangxyd",
    }
    assert not {"dnsNames", "ipAddresses", "uris"} & set(request)
    certificate = recorder.of_type("tls:index/locallySignedCert:LocallySignedCert")["client-certificate"]
    assert certificate["allowedUses"] == ["digital_signature", "key_encipherment", "client_auth"]
    assert (certificate["validityPeriodHours"], certificate["earlyRenewalHours"]) == (8760, 720)


def test_a_certificate_that_would_outlive_its_authority_is_refused(settings: Settings) -> None:
    check_end(settings.client_certificate, settings.certificate_authority)
    soon = replace(settings.certificate_authority, not_after=datetime.now(UTC) + timedelta(days=100))
    with pytest.raises(ValueError, match=r'"8760": must end before the certificate authority .*: use at most 2399, or'):
        check_end(settings.client_certificate, soon)
