"""Renewal: on an ordinary `pulumi up` within its time, told by an ordinary preview, and never before."""

from datetime import UTC, datetime, timedelta

from tests.certificates.stack import Stack, run

REPLACED = "+- tls:index:LocallySignedCert client-certificate replace"


def in_hours(hours: int) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def test_a_certificate_is_issued_left_alone_renewed_and_given_another_key(stack: Stack) -> None:
    end = f"{in_hours(8760):%Y-%m-%d}"
    assert f"a certificate is issued, valid to {end}" in stack.up()
    first = stack.outputs()
    (stack.directory / "client.pem").write_text(first["pem"]["k8s-node01"])
    verify = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem"
    assert "client.pem: OK" in run(stack.directory, verify)
    assert first["certificate"]["subject"] == "CN=system:kube-proxy,OU=wangxyd,O=k8s,L=Suzhou,ST=Jiangsu,C=CN"

    stack.move_end(in_hours(721))
    assert "is issued" not in stack.pulumi("preview", "--expect-no-changes")

    stack.move_end(in_hours(719))
    told = stack.failing("preview", "--expect-no-changes")
    assert REPLACED in told
    assert f"a certificate is issued, valid to {end}" in told
    assert stack.outputs()["pem"] == first["pem"], "a preview only tells"
    stack.up()
    second = stack.outputs()
    assert second["pem"] != first["pem"]
    assert second["key"] == first["key"]

    # The one command of docs/certificates.md.
    stack.up("--replace", "**client-certificate-key")
    third = stack.outputs()
    assert third["key"] != second["key"]
    assert "PRIVATE KEY" not in stack.project.state()


def test_one_nodes_identity_is_replaced_at_once_and_nobody_elses(stack: Stack) -> None:
    stack.values["clientCertificate"]["perNode"] = True
    stack.up()
    first = stack.outputs()
    assert first["key"]["k8s-node01"] != first["key"]["k8s-node02"]

    # The one command of docs/certificates.md.
    told = stack.up("--replace", "**k8s-node01-certificate-key")
    assert "3 replaced" in told
    second = stack.outputs()
    assert second["key"]["k8s-node01"] != first["key"]["k8s-node01"]
    assert second["pem"]["k8s-node02"] == first["pem"]["k8s-node02"]
    (stack.directory / "older.pem").write_text(second["pem"]["k8s-node02"])
    end = run(stack.directory, "openssl x509 -noout -enddate -dateopt iso_8601 -in older.pem").strip()
    assert second["certificate"]["notAfter"] == end.removeprefix("notAfter=").replace(" ", "T"), "that which ends first"


def test_the_authority_is_rotated_in_the_steps_of_the_documentation(stack: Stack) -> None:
    stack.up()
    stack.authority("new")
    both = (stack.directory / "ca.pem").read_text() + (stack.directory / "new.pem").read_text()
    (stack.directory / "trust.pem").write_text(both)

    stack.values["certificateAuthority"]["trustBundleFile"] = "trust.pem"
    stack.pulumi("preview", "--expect-no-changes")  # of the certificate: only the nodes' kubeconfig changes

    stack.values["certificateAuthority"] |= {"certificateFile": "new.pem", "privateKeyFile": "new.key"}
    assert "1 replaced" in stack.up()
    (stack.directory / "client.pem").write_text(stack.outputs()["pem"]["k8s-node01"])
    assert "OK" in run(stack.directory, "openssl verify -x509_strict -purpose sslclient -CAfile new.pem client.pem")

    del stack.values["certificateAuthority"]["trustBundleFile"]
    stack.pulumi("preview", "--expect-no-changes")


def test_a_certificate_that_would_outlive_its_authority_is_refused_at_preview(stack: Stack) -> None:
    stack.authority(days=100)
    told = stack.failing("preview")
    assert (
        "clientCertificate.validityHours: Invalid value: 8760: must end before the certificate authority does" in told
    )
    assert "use at most 2399" in told
    assert "Traceback" not in told
