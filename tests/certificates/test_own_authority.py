"""A CA of the stack's own, by the commands of docs/certificates.md: made, exported, protected, handed over."""

import json

from tests.certificates.stack import Stack, run


def test_the_life_of_an_own_authority(stack: Stack) -> None:
    given = stack.values["certificateAuthority"]
    stack.values["certificateAuthority"] = {"generate": True}
    stack.pulumi("preview")

    # Before the nodes, so that the API servers can be told of it.
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
    assert public == run(stack.directory, "openssl x509 -in ca.pem -noout -pubkey"), "its own key"
    assert "PRIVATE KEY" not in stack.project.state()

    # Handed over to files, the same CA is no change to what it has issued.
    stack.values["certificateAuthority"] = given
    assert "cannot be deleted\n    because it is protected" in stack.failing("up", "--yes", "--skip-preview")
    for urn in protected(stack):
        stack.pulumi("state", "unprotect", "--yes", urn)
    assert "3 deleted" in stack.up()
    assert stack.outputs()["pem"] == first["pem"]


def test_a_stack_that_is_destroyed_keeps_it(stack: Stack) -> None:
    stack.values["certificateAuthority"] = {"generate": True}
    stack.up()
    before = protected(stack)
    assert len(before) == 2, "key and certificate"
    stack.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert protected(stack) == before


def protected(stack: Stack) -> list[str]:
    """The URNs of what can't be deleted by accident."""
    resources = json.loads(stack.project.state())["checkpoint"]["latest"]["resources"]
    return [resource["urn"] for resource in resources if resource.get("protect")]


def run_output(stack: Stack, *arguments: str) -> str:
    done = stack.project.pulumi("stack", "output", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout
