"""A generated CA, by the commands of docs/certificates.md: made, exported, protected, replaced by files."""

import json

from tests.certificates.stack import Stack, run


def test_generated_ca_is_made_first_exported_and_handed_over_to_files_without_a_new_certificate(stack: Stack) -> None:
    given = stack.values["certificateAuthority"]
    stack.values["certificateAuthority"] = {"generate": True}
    stack.pulumi("preview")

    # Before the nodes, so that the API servers can be configured to trust it.
    stack.up("--target", "**certificate-authority**")
    assert json.loads(run_output(stack, "--json", "caCertificate")).startswith("-----BEGIN CERTIFICATE-----")
    stack.up()
    first = stack.outputs()
    (stack.directory / "ca.pem").write_text(run_output(stack, "caCertificate"))
    (stack.directory / "ca.key").write_text(run_output(stack, "--show-secrets", "caPrivateKey"))
    (stack.directory / "client.pem").write_text(first["pem"]["k8s-node01"])
    verify = "openssl verify -x509_strict -purpose sslclient -CAfile ca.pem client.pem"
    assert "client.pem: OK" in run(stack.directory, verify)
    public = run(stack.directory, "openssl pkey -in ca.key -pubout")
    assert public == run(stack.directory, "openssl x509 -in ca.pem -noout -pubkey"), "the key belongs to the CA"
    assert "PRIVATE KEY" not in stack.project.state()

    # The same CA read from files issues nothing anew.
    stack.values["certificateAuthority"] = given
    assert "cannot be deleted\n    because it is protected" in stack.failing_pulumi("up", "--yes", "--skip-preview")
    for urn in protected(stack):
        stack.pulumi("state", "unprotect", "--yes", urn)
    assert "3 deleted" in stack.up()
    assert stack.outputs()["pem"] == first["pem"]


def test_generated_ca_survives_a_destroy(stack: Stack) -> None:
    stack.values["certificateAuthority"] = {"generate": True}
    stack.up()
    before = protected(stack)
    assert len(before) == 2, "key and certificate"
    stack.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert protected(stack) == before


def test_generated_ca_issues_for_another_stack_too(stack: Stack) -> None:
    name = "organization/project/dev"
    stack.pulumi("stack", "init", "pool-b")
    pool_b = ("--stack", "pool-b")
    stack.values["certificateAuthority"] = {"generatedBy": name}
    missing = stack.failing_pulumi("preview", *pool_b)
    assert f"certificateAuthority.generatedBy: the stack {name} must have the outputs caCertificate and " in missing
    assert "Traceback" not in missing

    stack.values["certificateAuthority"] = {"generate": True}
    stack.up()
    (stack.directory / "ca.pem").write_text(run_output(stack, "caCertificate"))
    stack.values["certificateAuthority"] = {"generatedBy": name}
    stack.up(*pool_b)
    stack.pulumi("preview", "--expect-no-changes", *pool_b)
    assert run_output(stack, "caCertificate", *pool_b) == (stack.directory / "ca.pem").read_text()
    pem = json.loads(run_output(stack, "--json", "pem", *pool_b))
    (stack.directory / "client.pem").write_text(pem["k8s-node01"])
    assert "client.pem: OK" in run(stack.directory, "openssl verify -CAfile ca.pem client.pem")
    assert "PRIVATE KEY" not in stack.pulumi("stack", "export", *pool_b)


def protected(stack: Stack) -> list[str]:
    """Returns the URNs of protected resources."""
    resources = json.loads(stack.project.state())["checkpoint"]["latest"]["resources"]
    return [resource["urn"] for resource in resources if resource.get("protect")]


def run_output(stack: Stack, *arguments: str) -> str:
    done = stack.project.pulumi("stack", "output", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout
