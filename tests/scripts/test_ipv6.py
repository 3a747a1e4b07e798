"""The awk program that writes IPv6 addresses in their canonical form, compared with Python's ipaddress."""

import subprocess
from ipaddress import IPv6Address
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

IPV6 = Path(__file__).parents[2] / "scripts" / "ipv6.sh"

groups = st.lists(st.sampled_from([0, 0, 0, 1, 0x10, 0xFD00, 0xFFFF]), min_size=8, max_size=8)
forms = st.lists(st.sampled_from(["{:x}", "{:04x}", "{:X}"]), min_size=8, max_size=8)
words = st.sampled_from(["{}", "[{}]:443", "[{}]", "TCP [{}]:443 rr 192.168.99.121:6443"])


def canonical_in_shell(lines: list[str]) -> list[str]:
    script = f'. "{IPV6}"; canonical'
    done = subprocess.run(
        ["/bin/sh", "-c", script], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """Draws a line with an address in any form, and the same line with the canonical form."""
    numbers, word = draw(groups), draw(words)
    texts = [form.format(number) for form, number in zip(draw(forms), numbers, strict=True)]
    zeros = [(i, j) for i in range(8) for j in range(i + 1, 9) if not any(numbers[i:j])]
    start, end = draw(st.sampled_from([(0, 0), *zeros]))
    text = f"{':'.join(texts[:start])}::{':'.join(texts[end:])}" if end else ":".join(texts)
    canonical = IPv6Address(sum(number << 16 * (7 - place) for place, number in enumerate(numbers))).compressed
    return word.format(text), word.format(canonical)


@settings(max_examples=20, deadline=None)
@given(st.lists(written(), min_size=1, max_size=50))
def test_any_form_of_an_ipv6_address_becomes_canonical(lines: list[tuple[str, str]]) -> None:
    assert canonical_in_shell([text for text, _ in lines]) == [expected for _, expected in lines]


def test_other_text_is_unchanged() -> None:
    lines = ["TCP 10.0.0.1:443 rr 192.168.99.121:6443", "FWM 00000007 wlc", "0.0.0.0:10256", "[::]:10249", ""]
    assert canonical_in_shell(lines) == lines
