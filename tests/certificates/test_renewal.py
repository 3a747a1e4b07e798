"""Renewal by an ordinary `pulumi up` in time, shown by an ordinary preview, and never before."""

from datetime import UTC, datetime, timedelta

from tests.certificates.stack import Stack, run

REPLACED = "+- tls:index:LocallySignedCert client-certificate replace"


def in_hours(hours: int) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def test_certificate_is_renewed_only_within_its_renewal_time_and_gets_a_new_key_by_one_command(stack: Stack) -> None:
    end = f"{in_hours(8760):%Y-%m-%d}"
    assert f"issuing a certificate, valid until {end}" in stack.up()
    first = stack.outputs()
    (stack.directory / "client.pem").write_text(first["pem"]["k8s-node01"])
    verify = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem"
    assert "client.pem: OK" in run(stack.directory, verify)
    assert first["certificate"]["subject"] == "CN=system:kube-proxy,OU=wangxyd,O=k8s,L=Suzhou,ST=Jiangsu,C=CN"

    stack.move_end(in_hours(721))
    assert "issuing" not in stack.pulumi("preview", "--expect-no-changes")

    stack.move_end(in_hours(719))
    output = stack.failing_pulumi("preview", "--expect-no-changes")
    assert REPLACED in output
    assert f"issuing a certificate, valid until {end}" in output
    assert stack.outputs()["pem"] == first["pem"], "a preview issues nothing"
    stack.up()
    second = stack.outputs()
    assert second["pem"] != first["pem"]
    assert second["key"] == first["key"]

    # The command of docs/certificates.md.
    stack.up("--replace", "**client-certificate-key")
    third = stack.outputs()
    assert third["key"] != second["key"]
    assert "PRIVATE KEY" not in stack.project.state()


def test_key_and_certificate_of_one_node_are_replaced_by_one_command_and_no_others(stack: Stack) -> None:
    stack.values["clientCertificate"]["perNode"] = True
    stack.up()
    first = stack.outputs()
    assert first["key"]["k8s-node01"] != first["key"]["k8s-node02"]

    # The command of docs/certificates.md.
    output = stack.up("--replace", "**k8s-node01-certificate-key")
    assert "3 replaced" in output
    second = stack.outputs()
    assert second["key"]["k8s-node01"] != first["key"]["k8s-node01"]
    assert second["pem"]["k8s-node02"] == first["pem"]["k8s-node02"]
    (stack.directory / "older.pem").write_text(second["pem"]["k8s-node02"])
    end = run(stack.directory, "openssl x509 -noout -enddate -dateopt iso_8601 -in older.pem").strip()
    assert second["certificate"]["notAfter"] == end.removeprefix("notAfter=").replace(" ", "T"), (
        "the summary has the certificate that ends first"
    )
