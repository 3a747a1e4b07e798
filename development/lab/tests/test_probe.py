"""Streams of requests, and the summary of their results."""

import os
import socket
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

from tests.lab.probe import parse

_SOURCES = (f"127.1.{os.getpid() % 256}.{number}" for number in count(1))
"""An address for each stream: from one address, two would have the same ports."""

OUTAGE = """\
10.00 400 0.1
10.25 400 0.1
12.40 000 2.0 Connection timed out after 2001 milliseconds
12.60 503 0.1
13.00 200 0.1
13.20 200 0.1
13.40 000 0.0 Failed to connect to 10.0.0.1 port 443 after 7 ms: Couldn't connect to server
13.60 000 0.0 Failed to connect to 10.0.0.1 port 443 after 19 ms: Couldn't connect to server
14.00 200 0.1
"""
STEADY = "".join(f"{second}.00 400 0.1\n" for second in range(9, 16))


def test_an_answer_other_than_200_or_400_is_a_failure() -> None:
    answers = parse({"a": OUTAGE})
    assert (len(answers.each), answers.failed) == (9, 4)
    assert str(answers) == (
        "4 of 9 requests failed: a: 000 Connection timed out, a: 503, "
        "a: 000 Failed to connect to 10.0.0.1 port 443: Couldn't connect to server"
    )
    assert str(parse({"a": "1.00 200 0.1\n"})) == "0 of 1 requests failed"


def test_a_gap_lasts_from_the_last_success_to_the_next() -> None:
    assert parse({"a": OUTAGE}).longest_gap == 2.75
    assert parse({"a": "1.00 200 0.1\n9.00 200 0.1\n"}).longest_gap == 0, "slow, but nothing failed"
    assert parse({"a": "1.00 200 0.1\n2.00 000 0.1\n5.00 000 0.1\n"}).longest_gap == 4, "it goes on at the end"


def test_an_answer_in_one_stream_does_not_shorten_the_gap_of_another() -> None:
    answers = parse({"a": STEADY, "b": OUTAGE})
    assert (len(answers.each), answers.failed, answers.longest_gap) == (16, 4, 2.75)


def streamed(url: str, lines: int) -> list[str]:
    """The first lines of a stream, without times."""
    command = [sys.executable, "-m", "tests.lab.stream", url, next(_SOURCES), "0.05", "20000"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as stream:
        assert stream.stdout
        read = [stream.stdout.readline().rstrip("\n").split(" ", 3) for _ in range(lines)]
        stream.kill()
    return [" ".join([status, reason]).strip() for _, status, _, reason in read]


def test_a_stream_reports_each_answer_and_goes_on() -> None:
    answers = [b"HTTP/1.0 400 Bad Request\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\nok"]

    def serve(server: socket.socket) -> None:
        for answer in answers:
            with server.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert streamed(url, 3) == ["400", f"000 {url}: closed without an answer", "200"]


def test_a_stream_reports_why_there_was_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    assert streamed(url, 2) == [f"000 {url}: Connection refused"] * 2


def test_a_packet_must_be_answered_by_another_one() -> None:
    def serve(server: socket.socket) -> None:
        for _ in range(2):
            server.sendto(b"pong", server.recvfrom(99)[1])

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        url = f"udp://127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        assert streamed(url, 2) == ["200", "200"]
    assert streamed(url, 1) == [f"000 {url}: Connection refused"]


def test_a_request_that_hangs_delays_no_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        command = [sys.executable, "-m", "tests.lab.stream", url, next(_SOURCES), "0.05", "20000"]
        with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as stream:
            server.settimeout(10)
            connections = [server.accept()[0] for _ in range(5)]
            stream.kill()
    for connection in connections:
        connection.close()
