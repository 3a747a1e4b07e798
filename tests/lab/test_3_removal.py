"""No secret is left anywhere, a refresh finds no change, and `pulumi destroy` removes everything."""

from tests.lab import foreign, generations, rules, secrets
from tests.lab.cluster import Cluster


class TestSecrets:
    def test_are_in_no_state_log_output_process_or_readable_file(self, deployed: Cluster) -> None:
        secrets.assert_nowhere(deployed, deployed.nodes)

    def test_nothing_stays_in_the_memory_of_a_node(self, deployed: Cluster) -> None:
        for node in deployed.nodes:
            assert node.run("ls -d /run/kube-proxy.* 2>/dev/null; :") == ""


class TestRemoval:
    def test_refresh_finds_no_change(self, deployed: Cluster) -> None:
        result = deployed.pulumi("refresh", "--yes", "--skip-preview")
        assert result.status == 0, result.output
        assert "11 unchanged" in result.output

    def test_destroy_removes_everything_of_ours_and_nothing_of_others(self, deployed: Cluster) -> None:
        shared = deployed.nodes[1]
        foreign.add(shared)
        foreign.add_virtual_servers(shared)
        objects, servers = foreign.objects(shared), foreign.virtual_servers(shared)
        result = deployed.pulumi("destroy", "--yes", "--skip-preview")
        assert result.status == 0, result.output
        for node in deployed.nodes:
            assert (
                node.run("systemctl is-active kube-proxy; systemctl is-enabled kube-proxy 2>/dev/null; :")
                == "inactive\n"
            )
            assert rules.of(node) == rules.OF_MODE["none"]
            assert generations.files(node) == []
        assert foreign.objects(shared) == objects
        assert foreign.virtual_servers(shared) == servers
        foreign.remove(shared)

    def test_stack_prod_is_refused_in_the_labs_environment(self, deployed: Cluster) -> None:
        deployed.pulumi("stack", "select", "--create", "prod")
        result = deployed.pulumi("preview")
        deployed.pulumi("stack", "select", "dev")
        assert 'the stack "prod" must not be used in a shell where you ran `make env`' in result.output
        assert "Traceback" not in result.output
