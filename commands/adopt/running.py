"""What a node's answers mean: the kube-proxy that runs there, its configuration in force, and what a stack can't keep.

Notes and reasons contain text of the node. report.py makes them printable.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Final, NoReturn

import yaml

from commands.adopt.question import Asked
from documents import paths
from settings import KubeProxyConfiguration, Mode
from settings.problems import Location, Parsed, Problems, field_path
from settings.section import Section, read_section
from settings.stack import Cluster, NodeSection, Service, UnitDirectory
from settings.versions import KubernetesVersion
from settings.x509 import parse_trust_bundle, to_pem
from settings.yaml_reader import exceeds_limits, load_yaml

UNIT: Final = f"{UnitDirectory.USR}/kube-proxy.service"

_CONFIGZ: Final = "kubeproxy.config.k8s.io"
_PORTS: Final = ("healthz-port", "metrics-port")
_SET_ELSEWHERE: Final = ("kind", "apiVersion", "clusterCIDR", "winkernel", "windowsRunAsService", "hostnameOverride")
"""Fields that are not in a stack's `configuration`."""

_CONTAINER: Final = re.compile(r"kubepods|docker|containerd|crio|libpod|machine\.slice")


class NotAdoptableError(ValueError):
    """A node without a kube-proxy that a stack can take over. The message is the reason."""


@dataclass
class Running:
    """The kube-proxy of a node."""

    asked: Asked
    name: str = ""
    """The Node object's name."""
    address: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """The fields in force that differ from upstream's defaults; with those that follow from name and address."""
    cluster: Mapping[str, str] = field(default_factory=dict)
    """Keys of `kube-proxy:cluster`."""
    authority: str = ""
    """The CAs by which kube-proxy verifies the API, in PEM."""
    verbosity: int = 0
    version: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """The binary's digest by architecture."""
    api_version: str = ""
    k8s_dir: str = ""
    binary_directory: str = ""
    hides_unit: bool = False
    """Its unit's directory wins over /usr/lib/systemd/system, so `service.unitDirectory` must win over both."""
    to_do: list[str] = field(default_factory=list)
    """What stands in the way of the first `pulumi up`."""
    notes: list[str] = field(default_factory=list)
    """What the stack doesn't keep."""


def read_running(asked: Asked) -> Running:
    """Return what runs on a node. Raises NotAdoptableError."""
    answers = asked.answers
    if "arguments" not in answers:
        _refuse(answers)
    running = Running(asked)
    arguments = answers["arguments"].rstrip("\0").split("\0")[1:]
    values = _values(running, arguments)
    _identify(running, values)
    _read_cluster(running, values, _argument(arguments, "master"))
    running.configuration, running.verbosity = in_force(values, running.name, running.notes)
    _read_unit(running)
    _read_binary(running)
    _note_others(running)
    return running


def _refuse(answers: Mapping[str, str]) -> NoReturn:
    if answers.get("uid", "").strip() != "0":
        raise NotAdoptableError("must be asked as root, or as a user with sudo (--ask-sudo-password)")
    for pid, command, _, group in _processes(answers):
        if command.startswith("k3s") or command == "kubelite":
            raise NotAdoptableError(f"{command} has kube-proxy built in: turn it off there, then install a kube-proxy")
        if command == "hyperkube":
            raise NotAdoptableError(
                "runs hyperkube, which Kubernetes 1.19 removed: replace it by the kube-proxy binary"
            )
        if _CONTAINER.search(group):
            raise NotAdoptableError(
                "kube-proxy runs in a container, probably of a DaemonSet: this program needs a service"
            )
        raise NotAdoptableError(f"kube-proxy (process {pid}) must be the main process of a systemd service, as root")
    raise NotAdoptableError("no kube-proxy runs there")


def _processes(answers: Mapping[str, str]) -> list[list[str]]:
    """Return the processes that may be kube-proxy: process ID, command, whether it is a unit's main process, cgroup."""
    return [[*line.split(" ", 3), "", "", ""][:4] for line in answers.get("processes", "").split("\n") if line]


def _values(running: Running, arguments: Sequence[str]) -> Mapping[str, Any]:
    """Return the configuration in force, with all defaults: that in kube-proxy's memory, else that of file and flags.

    `--write-config-to` doesn't know the two deprecated flags for ports (Complete in cmd/kube-proxy/app/options.go).
    """
    live = _mapping(running.asked.answers.get("configz", "")).get(_CONFIGZ)
    written = _mapping(running.asked.answers.get("configuration", ""))
    if isinstance(live, Mapping):
        differing = differences(_reduced(live, []), _reduced(written, [])) if written else ()
        if differing:
            names = ", ".join(differing)
            running.notes.append(
                f"{names}: kube-proxy runs with another value than in its file; the stack has what runs"
            )
        return live
    if not written:
        raise NotAdoptableError("kube-proxy must show its configuration, by /configz or --write-config-to")
    running.notes.append("/configz: doesn't answer, so the configuration is what kube-proxy's file and flags mean")
    ports = [f"flag --{name}: set the address in configuration" for name in _PORTS if _argument(arguments, name)]
    running.notes += ports
    return written


def _identify(running: Running, values: Mapping[str, Any]) -> None:
    """Find the Node's name, as kube-proxy does, and the address at which it is reached."""
    asked = running.asked
    own = str(values.get("hostnameOverride") or asked.answers.get("hostname", "")).strip().lower()
    running.name = asked.host.node_name or own
    if running.name != own:
        running.notes.append(f"kube-proxy calls its Node {own}: it waits for that one and writes no rules")
    connected = [*asked.answers.get("connection", "").split(), "", "", ""][2]
    for address in (values.get("bindAddress"), asked.host.address, asked.host.host, connected):
        section = read_section(NodeSection, {"name": running.name, "address": address}, Problems())
        if section.name and section.address:
            running.address = str(section.address)
            return
    raise NotAdoptableError(f"the Node's name ({running.name}) must be a host name, and its address must be known")


def _read_cluster(running: Running, values: Mapping[str, Any], master: str) -> None:
    answers, notes, problems = running.asked.answers, running.notes, Problems()
    kubeconfig = _mapping(answers.get("kubeconfig", ""))
    current = _named(kubeconfig, "contexts", "context", kubeconfig.get("current-context"))
    entry = _named(kubeconfig, "clusters", "cluster", current.get("cluster"))
    if entry.get("insecure-skip-tls-verify"):
        notes.append("insecure-skip-tls-verify: this program always verifies the API's certificate")
    cluster = {
        "name": current.get("cluster"),
        "server": master or entry.get("server"),
        "tlsServerName": entry.get("tls-server-name"),
        "proxyURL": entry.get("proxy-url"),
        "clusterCIDR": _without_host_bits(str(values.get("clusterCIDR") or "")),
    }
    section = read_section(Cluster, {**cluster, "version": "1.0.0"}, problems)
    found = {key: section.model_dump(by_alias=True).get(key) for key, value in cluster.items() if value}
    running.cluster = {key: str(value) for key, value in found.items() if value}
    path = answers.get("kubeconfig-path", "").strip() or "no kubeconfig"
    notes += [f"{problem} (from {path} and the configuration)" for problem in problems.errors({})]
    encoded = entry.get("certificate-authority-data")
    try:
        pem = _decoded(str(encoded)) if encoded else answers.get("authority", "")
        running.authority = to_pem(parse_trust_bundle(pem))
    except ValueError as error:
        notes.append(f"the CA of {path}: {error}")
    version = _mapping(answers.get("api-version", "")).get("gitVersion")
    running.api_version = str(_parsed(KubernetesVersion, version) or "")


def in_force(values: Mapping[str, Any], name: str, notes: list[str]) -> tuple[Mapping[str, Any], int]:
    """Return the fields that differ from upstream's defaults, and klog's verbosity. hostnameOverride is the name."""
    for key in ("healthzBindAddress", "metricsBindAddress"):
        if not values.get(key):
            notes.append(f"{key}: is off; this program needs it and turns it on")
    reduced = dict(_reduced(values, notes))
    logging = dict(reduced.pop("logging", {}))
    verbosity = logging.pop("verbosity", 0)
    if (mode := _parsed(Mode, values.get("mode"))) is None:
        raise NotAdoptableError(f"kube-proxy's mode must be one of {', '.join(Mode)}")
    return {
        **reduced,
        **({"logging": logging} if logging else {}),
        "mode": mode.value,
        "hostnameOverride": name,
    }, verbosity


def _reduced(values: Mapping[str, Any], notes: list[str]) -> Mapping[str, Any]:
    """Return the fields of `configuration` that differ from upstream's defaults. Invalid ones are noted instead."""
    own = {key: value for key, value in values.items() if key not in _SET_ELSEWHERE}
    if isinstance(connection := own.get("clientConnection"), Mapping):
        own["clientConnection"] = {key: value for key, value in connection.items() if key != "kubeconfig"}
    if (own.get("mode"), own.get("nodePortAddresses")) == ("nftables", ["primary"]):
        del own["nodePortAddresses"]  # that mode's default: platformApplyDefaults in cmd/kube-proxy/app/server_linux.go
    problems = Problems()
    typed = read_section(KubeProxyConfiguration, own, problems)
    notes += [str(problem) for problem in problems.errors(own)]
    return _differing(typed, own)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the paths of the fields whose values differ, sorted."""
    first, second = leaves(one), leaves(other)
    return sorted(field_path(place) for place in first.keys() | second.keys() if first.get(place) != second.get(place))


def leaves(values: Mapping[str, Any], at: Location = ()) -> dict[Location, Any]:
    """Return the values that are no mappings, by location."""
    found: dict[Location, Any] = {}
    for key, value in values.items():
        found |= leaves(value, (*at, key)) if isinstance(value, Mapping) else {(*at, key): value}
    return found


def _differing(typed: Section, values: Mapping[str, Any]) -> Mapping[str, Any]:
    differing: dict[str, Any] = {}
    for name, info in type(typed).model_fields.items():
        key = info.alias or name
        value, given = getattr(typed, name), values.get(key)
        if isinstance(value, Section) and isinstance(given, Mapping):
            if below := _differing(value, given):
                differing[key] = below
        elif str(value) != str(info.default):
            differing[key] = given
    return differing


def _read_unit(running: Running) -> None:
    """Note what the unit and its surroundings mean for the take-over."""
    answers, to_do = running.asked.answers, running.to_do
    unit = dict(line.split("=", 1) for line in answers.get("unit", "").splitlines() if "=" in line)
    file, directory = unit.get("FragmentPath", ""), unit.get("WorkingDirectory", "")
    if unit.get("Id") != "kube-proxy.service":
        to_do.append(f"its unit is {unit.get('Id')}, this program's is kube-proxy.service: docs/take-over.md")
    else:
        running.hides_unit = file not in (UNIT, UNIT.removeprefix("/usr"))
    if unit.get("DropInPaths"):
        to_do.append(f"drop-ins of the unit stay in force: {unit['DropInPaths']}")
    for key in ("ExecStartPre", "ExecStartPost", "ExecStopPost"):
        for command in re.findall(r"argv\[\]=(.*?) ;", unit.get(key, "")):
            if paths.RECOVER not in command:
                running.notes.append(f"{key} of the unit: {command}")
    if names := answers.get("environment", "").split():
        listed = ", ".join(sorted(names))
        running.notes.append(
            f"environment variables {listed}: the unit sets none; cluster.proxyURL is a proxy to the API"
        )
    section = read_section(Service, {"k8sDir": directory.removesuffix("/kube-proxy")}, Problems())
    running.k8s_dir = section.k8s_dir if directory.endswith("/kube-proxy") else ""


def _read_binary(running: Running) -> None:
    answers = running.asked.answers
    version = _parsed(KubernetesVersion, answers.get("version", "").strip().removeprefix("Kubernetes "))
    if version is None:
        raise NotAdoptableError("kube-proxy --version must print a version (Kubernetes v1.36.2)")
    running.version = str(version)
    path, installed = answers.get("binary", "").strip(), answers.get("installed", "").strip()
    directory, _, name = path.rpartition("/")
    elsewhere = {"binaryDirectory": directory} if name == "kube-proxy" and path != installed else {}
    service = read_section(Service, elsewhere, Problems())
    running.binary_directory, own = service.binary_directory, service.binary_path
    if path not in (installed, own):
        replaced = "was replaced while it ran" if path.endswith(" (deleted)") else f"is not {own}"
        running.to_do.append(
            f"its binary {path} {replaced}: install {version} as {own}, or set binary.source to file or url"
        )
    digest = [*answers.get("sha256", "").split(), ""][0]
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(answers.get("machine", "").strip(), "")
    if architecture and re.fullmatch("[0-9a-f]{64}", digest):
        running.sha256 = {architecture: digest}


def _note_others(running: Running) -> None:
    """question.sh describes the first kube-proxy that is a unit's main process, or a shell's in kube-proxy.service."""
    found = [process for process in _processes(running.asked.answers) if process[1].startswith("kube-proxy")]
    described, main = next(((pid, main) for pid, _, main, _ in found if main != "no"), ("", ""))
    if main == "shell":
        running.notes.append("the unit starts kube-proxy by a shell, which may do more: ours starts kube-proxy alone")
    others = ", ".join(f"process {pid} ({group})" for pid, _, _, group in found if pid != described)
    if others:
        running.to_do.append(f"another kube-proxy runs there, and each deletes the other's rules: stop {others}")


def _without_host_bits(cidrs: str) -> str:
    """Return a cluster CIDR as a stack must have it; kube-proxy ignores the bits behind the prefix."""
    try:
        return ",".join(str(ip_network(block, strict=False)) for block in cidrs.split(","))
    except ValueError:
        return cidrs


def _named(kubeconfig: Mapping[str, Any], entries: str, key: str, name: object) -> Mapping[str, Any]:
    """Return an entry of a kubeconfig, without trust in its shape."""
    listed = kubeconfig.get(entries)
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, Mapping) and entry.get("name") == name and isinstance(entry.get(key), Mapping):
            return dict(entry[key])
    return {}


def _mapping(text: str) -> Mapping[str, Any]:
    """Return the mapping that JSON or YAML text is, else nothing."""
    try:
        document = json.loads(text) if text.startswith("{") else load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) and not exceeds_limits(document) else {}


def _decoded(encoded: str) -> str:
    return b64decode(encoded).decode(errors="replace")


def _argument(arguments: Sequence[str], name: str) -> str:
    """Return the value of a flag, or "" without it."""
    for index, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag == f"--{name}":
            return value if equals else [*arguments[index + 1 :], ""][0]
    return ""


def _parsed(read: Callable[[str], Parsed], value: object) -> Parsed | None:
    try:
        return read(str(value))
    except ValueError:
        return None
