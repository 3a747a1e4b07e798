"""Hostile documents: stacks, and the files that they name, made to hang, exhaust or confuse their reader.

test_hostile_documents.py tries a few hundred. The long run, an hour for 100,000; each document that ends in another way
than a message of ours is printed with its number, by which it can be tried again (--first N --documents 1):

    .venv/bin/python -m tests.unit.hostile --documents 100000
"""

import argparse
import base64
import contextlib
import io
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from commands import explain, validate
from settings.kube_proxy_configuration.fields import KubeProxyConfiguration
from settings.section import Section
from settings.stack import NodeSection, Stack
from settings.stack_configuration import stack_settings
from tests.unit.conftest import certificate

SECONDS = 10
"""Of processor time, for a document. One that waits for something ends after twenty times as long."""
MEMORY = 2 * 2**30
MOST_OUTPUT = 16 * 2**20
SECRET = "hunter2canary"
"""Is only in secrets, and so never in what is printed."""

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Bn1TpmVNQFT9DSvS8nJ3dSvGWfrGxxJcy2DAYfbcN"


class Raw(str):
    """Text of a document as it is, not in quotes."""


def scalars(draw: random.Random, word: str) -> str:
    """Return YAML for a value, hostile in one way."""
    if draw.random() < 0.7:
        tagged = (f"!!{draw.choice(TAGS)} {value}" for value in ("''", word, "[a]", "{a: b}", "{=: 1}", "~"))
        keyed = (f"{{{key}: {word}}}" for key in KEYS)
        return draw.choice([*tagged, *tagged, *keyed, *SHORT, word])
    before, repeated, after = draw.choice(LONG)
    many = repeated * draw.choice([1, 3, 50, 65, 300, 4_000, draw.choice([30_000, 300_000])])
    levels, width = draw.choice([2, 4, 8]), draw.choice([2, 10])
    return draw.choice([*[before + many + after] * 9, before + many + after * len(many), bomb(levels, width)])


SHORT = (
    *("&a [*a]", "&a {a: *a}", "*undefined", "{<<: *undefined}", "{<<: [1]}", "{a: 1, a: 2}", "{? [a] : 1}", ".inf"),
    *('"\\ud800"', '"\\0"', '"\\u2028x"', '"\\u202e"', '"\\x85"', '"\\x1b[2J\\x07"', "\x85", "\u2028", "\ufeff"),
    *(
        "\x00",
        "\x07",
        "\x1b[31m",
        "\t",
        '"',
        "'",
        "|",
        ">",
        "%",
        "@",
        "`",
        "? ",
        "- ",
        "---",
        "...",
        "# ",
        "\r",
        "1e999",
    ),
    *("~", "010", "0o17", "yes", "2020-01-01", "''", "{}", "[]", "[~]", "<<", "=", "!", "&", "*", "-.INF", ".nan"),
)
LONG = (
    *(
        ("", "1", ""),
        ("0x", "f", ""),
        ("0b", "1", ""),
        ("", "1:", "1"),
        ("-", "9", ""),
        ("0.", "1", ""),
        ("1e", "9", ""),
    ),
    *(
        ("", "0", ""),
        ("", "1_", ""),
        ("", "[", ""),
        ("", "[", "]"),
        ("", "{a: ", ""),
        ("", "{a: ", "}"),
        ("", "[[],", ""),
    ),
    *(("", "a", ""), ('"', "\\n", '"'), ("[", "~,", "]"), ("[", "{a: b},", "]"), ("", "- ", ""), ("", "a.", "b")),
)
KEYS = ("~", "1.5", "2020-01-01", "true", "1", "[a]", "{a: b}", "!!int ''", '""')
TAGS = (
    *("int", "float", "bool", "null", "str", "seq", "map", "set", "omap", "pairs", "binary", "timestamp", "merge"),
    *("value", "unknown", "python/object/apply:os.getpid", "python/name:os.system", "python/tuple"),
)


def bomb(levels: int, width: int) -> str:
    """Return a list in which each level has the one below it as aliases."""
    inner = ", ".join(f"&l{level + 1} [{', '.join([f'*l{level}'] * width)}]" for level in range(levels))
    return f"[&l0 [{', '.join(['x'] * width)}], {inner}]"


TEXTS = (
    *("https://[fd00::1]ANYTHING:8443", "https://[fe80::1%25eth0]:1", 'https://a"b', "https://a\\b", "\x00https://a"),
    *(
        "https://[::1",
        "https://a:99999",
        "https://a:٣",
        "http://u:p@h:1",
        "https://a\u2028b",
        "https://ⓐ.b",
        "https://[v1.a]",
    ),
    *("10.0.0.1%eth0", "010.0.0.1", "::ffff:1.2.3.4", "fe80::1%", "[::1]:1", "1.2.3.4:", "1.2.3.4:0", "٣.1.1.1:80"),
    *("10.0.0.0/8", "::/0,0.0.0.0/0", "10.0.0.0/٣", "1." + "9" * 5_000 + ".0", "v1.36.2+" + "a" * 5_000, "1.36.2\n"),
    *("9" * 5_000 + "h", "1h" * 5_000, "1" * 400 + "Ki", "-1", "1e99999999", "a" * 300 + " server: url=x", "\u202ea"),
    *("..", "/", "/a/../b", "~nobody-of-this-name/x", "a\x00b", "a" * 5_000, "-----BEGIN PRIVATE KEY-----"),
    *("system:masters", "primary", "localhost", "all", "\ud800", "x=y", "%s%n", "${PATH}", "{{7*7}}", "$(id)", "é", ""),
)
FILES = (
    *(
        "fifo",
        "socket",
        "directory",
        "loop",
        "large",
        "zero",
        "tty",
        "environ",
        "kmsg",
        "empty",
        "latin",
        "bom",
        "none",
    ),
    *(
        "random",
        "ca.pem",
        "ca-key.pem",
        "id_ed25519",
        "kubeconfig",
        "nodes.yaml",
        "kube-proxy.sha256",
        "/proc/self/mem",
    ),
)
FILE_KEYS = ("File", "path", "amd64", "arm64")


def places(model: type[Section], at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every known key, and of one unknown key in each section."""
    yield (*at, "unknown")
    for field in model.model_fields.values():
        yield (*at, str(field.alias))
        if isinstance(field.default, Section):
            yield from places(type(field.default), (*at, str(field.alias)))


PLACES = [
    *places(Stack),
    *places(NodeSection, ("nodes", 1)),
    *places(KubeProxyConfiguration, ("configuration",)),
    *places(KubeProxyConfiguration, ("nodes", 1, "configuration")),
]


def stack(draw: random.Random) -> dict[str, Any]:
    """Return a valid stack, in one of the ways that there are."""
    nodes = [{"name": f"n{at}", "address": f"10.0.0.{at}", "hostKey": HOST_KEY} for at in (1, 2)]
    values: dict[str, Any] = {
        "cluster": {"server": "https://192.168.99.100:8443", "version": "1.36.2", "clusterCIDR": "172.30.0.0/16"},
        "certificateAuthority": {"certificateFile": "ca.pem"},
        "ssh": {"privateKeyFile": "id_ed25519"},
        "binary": {"version": "1.36.2", "sha256": {"amd64": "kube-proxy.sha256"}},
        "configuration": {"mode": "ipvs", "ipvs": {"excludeCIDRs": ["10.0.0.0/8"]}},
    }
    values |= draw.choice([{"nodes": nodes}, {"nodes": nodes}, {"nodesFile": "nodes.yaml"}])
    if draw.random() < 0.5:
        values["certificateAuthority"] |= {"privateKeyFile": "ca-key.pem"}
        return values
    values["certificateAuthority"]["signer"] = "kubernetes.io/kube-apiserver-client"
    if draw.random() < 0.5:
        values["certificateAuthority"]["kubeconfigFile"] = "kubeconfig"
    else:
        values["adminKubeconfig"] = kubeconfig(draw)
    return values


def kubeconfig(draw: random.Random, shown: Sequence[str] = ("name",)) -> str:
    """Return a kubeconfig with secrets, but in the values of `shown`, hostile in none, one or two places.

    Messages list the names of the contexts.
    """
    document: Any = {
        "clusters": [{"name": "c", "cluster": {"server": "https://a", "certificate-authority": "ca.pem"}}],
        "users": [{"name": "u", "user": {"token": SECRET, "client-key": draw.choice(FILES)}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    for _ in range(draw.randrange(3)):
        key, section = draw.choice([("clusters", "cluster"), ("users", "user"), ("contexts", "context")])
        where = draw.choice([document, document[key][0], document[key][0][section]])
        if isinstance(where, dict):
            key = draw.choice([*where, "token", "x"])
            where[key] = Raw(scalars(draw, "word" if key in shown else SECRET))
        if not all(isinstance(document[each], list) for each in ("clusters", "users", "contexts")):
            break
        if not all(isinstance(document[each][0].get(each[:-1]), dict) for each in ("clusters", "users", "contexts")):
            break
    return mutated(emit(document), draw) if draw.random() < 0.2 else emit(document)


def change(values: Any, draw: random.Random, value: Callable[[], object]) -> None:
    """Put a value, or a key, at a random place of a stack."""
    *way, last = draw.choice(PLACES)
    place = values
    for step in way:
        fits = isinstance(place, list) if isinstance(step, int) else isinstance(place, dict)
        if not fits or (isinstance(step, int) and len(place) <= step):
            return
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    if not isinstance(place, dict):
        return
    if str(last).endswith(FILE_KEYS) and draw.random() < 0.5:
        place[last] = draw.choice(FILES)
    elif str(last) in ("caPrivateKey", "sshPrivateKey", "adminKubeconfig"):
        place[last] = draw.choice([SECRET, Raw(scalars(draw, SECRET)), {"pem": SECRET}, kubeconfig(draw)])
    elif draw.random() < 0.1:
        place[Raw(draw.choice(["~", "1.5", "2020-01-01", "[a]", "true", "? x", "<<", '"\\ud800"']))] = 1
    else:
        place[last] = value()


def emit(value: object) -> str:
    """Return a value in YAML's flow style."""
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(
                f"{key if isinstance(key, Raw) else json.dumps(key)}: {emit(item)}" for key, item in value.items()
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(emit, value)) + "]"
    return value if isinstance(value, Raw) else json.dumps(value)


def mutated(text: str, draw: random.Random) -> str:
    """Return a text with some characters removed, repeated or put in."""
    for _ in range(draw.randrange(1, 6)):
        start = draw.randrange(len(text) + 1)
        end = min(len(text), start + draw.choice([0, 1, 1, 5, 80]))
        put = draw.choice(
            [
                "",
                text[start:end] * 2,
                draw.choice("\x00\x07\x1b\x85\u2028\ufeff\t\n:-[]{},&*!|>'\"%@#?~"),
                chr(draw.randrange(0xD7FF)),
            ]
        )
        text = text[:start] + put + text[end:]
    return text


def pem(content: bytes, draw: random.Random) -> bytes:
    """Return a PEM text with some bytes of its content changed, many of it, or something before it."""
    lines = content.decode().splitlines()
    der = bytearray(base64.b64decode("".join(lines[1:-1])))
    for _ in range(draw.choice([0, 1, 1, 2, 10])):
        der[draw.randrange(len(der))] = draw.randrange(256)
    der = der[: draw.choice([len(der), len(der), draw.randrange(len(der) + 1)])]
    text = f"{lines[0]}\n{base64.encodebytes(der).decode()}{lines[-1]}\n" * draw.choice([1, 1, 1, 2, 40, 1100])
    return draw.choice([text, text, mutated(text, draw), f"# {SECRET}\n{text}"]).encode(errors="surrogatepass")


class Documents:
    """Makes documents in a directory and reads each as a person or Pulumi does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.original = directory / "original"
        self.original.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        form = PrivateFormat.OpenSSH
        (self.original / "ca.pem").write_bytes(certificate(key))
        (self.original / "ca-key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        login = ed25519.Ed25519PrivateKey.generate()
        (self.original / "id_ed25519").write_bytes(login.private_bytes(Encoding.PEM, form, NoEncryption()))
        (self.original / "kube-proxy.sha256").write_text("0" * 64)
        (self.original / "nodes.yaml").write_text(f"- {{name: n1, address: 10.0.0.1, hostKey: {HOST_KEY}}}\n")
        (self.original / "kubeconfig").write_text(kubeconfig(random.Random(0)))
        for original in self.original.iterdir():
            (self.directory / original.name).write_bytes(original.read_bytes())
        os.mkfifo(directory / "fifo")
        with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(directory):
            listener.bind("socket")
        (directory / "directory").mkdir()
        for name, target in (
            ("loop", "loop"),
            ("zero", "/dev/zero"),
            ("tty", "/dev/tty"),
            ("environ", "/proc/self/environ"),
        ):
            (directory / name).symlink_to(target)
        (directory / "kmsg").symlink_to("/proc/kmsg")
        with (directory / "large").open("wb") as large:
            large.truncate(2**33)
        (directory / "empty").touch()
        (directory / "latin").write_bytes(b"\xe9\xff")
        (directory / "bom").write_bytes(b"\xef\xbb\xbf[]")
        (directory / "random").write_bytes(random.Random(0).randbytes(5_000))

    def try_one(self, number: int) -> str | None:
        """Return what is wrong with how a document ended, or None."""
        draw = random.Random(number)
        spoiled = self._spoil_file(draw) if draw.random() < 0.3 else None
        way = draw.choice([self._validate, self._validate_json, self._explain, self._pulumi])
        output, errors = io.StringIO(), io.StringIO()
        limit(SECONDS)
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                way(draw)
        except BaseException:
            return traceback.format_exc()
        finally:
            limit(0)
            if spoiled:
                spoiled.write_bytes((self.original / spoiled.name).read_bytes())
        return _objection(output.getvalue() + errors.getvalue())

    def _spoil_file(self, draw: random.Random) -> Path:
        """Replace the content of a file that stacks name, and return its path."""
        name = draw.choice(
            ["ca.pem", "ca-key.pem", "id_ed25519", "kubeconfig", "nodes.yaml", "nodes.yaml", "kube-proxy.sha256"]
        )
        path = self.directory / name
        if "pem" in name or "id_" in name:
            path.write_bytes(pem(path.read_bytes(), draw))
        elif name == "kubeconfig":
            named = ("name", "certificate-authority", "client-certificate", "client-key")
            path.write_bytes(kubeconfig(draw, named).encode(errors="surrogatepass"))
        else:
            word = scalars(draw, "word")
            text = draw.choice(
                [
                    word,
                    f"- {word}",
                    f"- {{name: {word}}}",
                    f"- {{name: a, configuration: {word}}}",
                    f"- ssh: {word}\n" * 50,
                ]
            )
            path.write_bytes(draw.choice([text, mutated(text, draw)]).encode(errors="surrogatepass"))
        return path

    def _stack_file(self, draw: random.Random) -> Path:
        values = stack(draw)
        for _ in range(draw.choice([0, 1, 1, 2, 5])):
            change(values, draw, lambda: draw.choice([Raw(scalars(draw, "word")), draw.choice(TEXTS)]))
        lines = (f"  kube-proxy:{key}: {emit(value)}\n" for key, value in values.items())
        text = "config:\n" + "".join(lines)
        if draw.random() < 0.3:
            text = mutated(text.replace(SECRET, "word"), draw)  # a secret could become part of another value
        content = text.encode(errors="surrogatepass")
        if draw.random() < 0.05:
            at = draw.randrange(len(content))
            content = content[:at] + draw.randbytes(3) + content[at:]
        path = self.directory / "Pulumi.prod.yaml"
        path.write_bytes(content)
        return path if draw.random() < 0.99 else self.directory / draw.choice(FILES)

    def _validate(self, draw: random.Random) -> None:
        assert validate.main([str(self._stack_file(draw))]) in (0, 1)

    def _validate_json(self, draw: random.Random) -> None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = validate.main([str(self._stack_file(draw)), "--format", "json"])
        problems = json.loads(printed.getvalue(), parse_constant=_no_json)
        assert status == any(problem["severity"] == "error" for problem in problems)
        print(json.dumps(problems, ensure_ascii=True))

    def _explain(self, draw: random.Random) -> None:
        assert explain.main([str(self._stack_file(draw)), "n1"]) in (0, 1)

    def _pulumi(self, draw: random.Random) -> None:
        """Structures come as JSON, in which the values that only YAML has are text, or as text that is nearly JSON."""
        values = stack(draw)
        for _ in range(draw.choice([0, 1, 1, 2, 5])):
            change(values, draw, lambda: draw.choice([scalars(draw, "word"), draw.choice(TEXTS)]))
        given = {
            f"kube-proxy:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
        }
        if draw.random() < 0.5:
            key = draw.choice(list(given))
            secret = key.endswith(("Key", "Kubeconfig"))
            given[key] = draw.choice([mutated(given[key], draw), scalars(draw, SECRET if secret else "word")])
        with (
            mock.patch("pulumi.runtime.config.get_config_env", return_value=given),
            mock.patch.object(pulumi.log, "warn", print),
            contextlib.suppress(pulumi.RunError),
        ):
            try:
                stack_settings(self.directory)
            except pulumi.RunError as error:
                print(error)
                raise


def _no_json(constant: str) -> object:
    raise AssertionError(f"{constant} is not JSON")


def _objection(output: str) -> str | None:
    if SECRET in output:
        return f"a secret was printed:\n{output[:2000]}"
    if len(output) > MOST_OUTPUT:
        return f"{len(output)} characters were printed:\n{output[:2000]}"
    if unprintable := {char for char in set(output) if not char.isprintable()} - {"\n"}:
        return f"{sorted(unprintable)} were printed:\n{output[:2000]!r}"
    if "Input should" in output or "Traceback" in output or "<class" in output:
        return f"a message is not ours:\n{output[:5000]}"
    return None


def _try(first: int, count: int) -> int:
    """Try documents in this process; print the number of each before, and the objection after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for alarm in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(alarm, _too_long)
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        documents = Documents(Path(directory))
        for number in range(first, first + count):
            print(f"document {number}", file=sys.stderr, flush=True)
            if objection := documents.try_one(number):
                wrong += 1
                print(f"document {number}: {objection}", flush=True)
    return wrong


class _TooLongError(BaseException):
    """A document takes more than SECONDS."""


def limit(seconds: float) -> None:
    """Set the time of a document from now on, or no limit."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 20 * seconds)


def _too_long(*_: object) -> None:
    raise _TooLongError


def run(first: int, count: int) -> tuple[int, str]:
    """Try documents in a child process; return how many ended in another way than they must, and what was printed."""
    command = [sys.executable, "-m", "tests.unit.hostile", "--child", "--first", str(first), "--documents", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600 + 3 * count, check=False)
    if done.returncode in (0, 1):
        return done.stdout.count("\ndocument ") + done.stdout.startswith("document "), done.stdout
    last = done.stderr.splitlines()[-20:]
    return 1, f"the child ended with {done.returncode}, and leaves out what follows {last}\n{done.stdout}"


def main() -> int:
    """Try documents; the exit status is 1 if one ended in another way than it must."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.hostile")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--child", action="store_true")
    options = parser.parse_args()
    if options.child:
        return int(_try(options.first, options.documents) > 0)
    wrong, each = 0, 1000
    for first in range(options.first, options.first + options.documents, each):
        found, printed = run(first, min(each, options.first + options.documents - first))
        wrong += found
        print(printed, end="")
        print(f"{first + each} documents, {wrong} other endings", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
