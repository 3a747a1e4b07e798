"""What all nodes have answered, for a terminal or as data. A message that many nodes have is there once."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from commands.preflight.asking import Readiness

_NAMES: Final = 5
_INDENT: Final = "    "

# Addresses, ports, sizes, process numbers: nodes with the same trouble differ in them.
_NUMBER: Final = re.compile(r"(?<![\w.:])(?:[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F.]*|\d+(?:\.\d+)*)(?![\w])")


@dataclass
class _Message:
    text: str
    """As the first node has it."""
    number: int = 0
    nodes: list[str] = field(default_factory=list)
    differs: bool = False


_Messages = dict[str, _Message]


def table(answers: Sequence[Readiness], width: int | None) -> list[str]:
    """Return the lines: the nodes in their order, the remarks, the reasons of those that aren't ready, and a summary.

    Args:
        answers: of at least one node.
        width: where messages are wrapped; None for never.
    """
    remarks: _Messages = {}
    problems: _Messages = {}
    for answer in answers:
        _collect(remarks, answer, answer.remarks)
        _collect(problems, answer, answer.problems)
    for number, message in enumerate((*remarks.values(), *problems.values()), 1):
        message.number = number
    return [
        *_rows(answers, remarks, problems),
        *_section("Remarks:", remarks, width),
        *_section("Not ready, because:", problems, width),
        "",
        _summary(answers),
    ]


def data(answers: Sequence[Readiness]) -> list[dict[str, object]]:
    """Return the same for JSON, with all messages of each node."""
    return [
        {
            "node": answer.name,
            "address": answer.address,
            "ready": not answer.problems,
            "problems": answer.problems,
            "remarks": answer.remarks,
        }
        for answer in answers
    ]


def _collect(messages: _Messages, answer: Readiness, texts: Sequence[str]) -> None:
    for text in texts:
        message = messages.setdefault(_key(answer, text), _Message(text))
        message.differs |= message.text != text
        if answer.name not in message.nodes[-1:]:
            message.nodes.append(answer.name)


def _key(answer: Readiness, text: str) -> str:
    """Return what is the same in this message of other nodes."""
    host = answer.address.rpartition(":")[0].strip("[]")
    own = "|".join(re.escape(name) for name in (host, answer.name))
    return _NUMBER.sub("0", re.sub(rf"(?<![\w.-])({own})(?!\w)", "0", text))


def _rows(answers: Sequence[Readiness], remarks: _Messages, problems: _Messages) -> Iterator[str]:
    rows = [("NODE", "STATE", "SEE")]
    for answer in answers:
        own = [problems[_key(answer, text)] for text in answer.problems]
        own += [remarks[_key(answer, text)] for text in answer.remarks]
        numbers = sorted({message.number for message in own})
        rows.append((answer.name, answer.state, " ".join(map(str, numbers))))
    names, states = (max(len(row[column]) for row in rows) for column in (0, 1))
    yield from (f"{name:<{names}}   {state:<{states}}   {see}".rstrip() for name, state, see in rows)


def _section(title: str, messages: _Messages, width: int | None) -> Iterator[str]:
    if not messages:
        return
    yield from ("", title)
    for message in messages.values():
        names, more = ", ".join(message.nodes[:_NAMES]), len(message.nodes) - _NAMES
        differs = f" (with the addresses and numbers of {message.nodes[0]})" if message.differs else ""
        yield f"{f'{message.number}.':<{len(_INDENT)}}{names}{f' and {more} more' if more > 0 else ''}{differs}"
        yield from _wrapped(message.text, width)


def _wrapped(text: str, width: int | None) -> list[str]:
    if width is None:
        return [f"{_INDENT}{text}"]
    return textwrap.wrap(
        text,
        max(width, 2 * len(_INDENT)),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(answers: Sequence[Readiness]) -> str:
    states = Counter(answer.state for answer in answers)
    counted = [
        f"{count} {state.replace(',', '')}"
        for state in ("ready", "ready, with remarks", "not ready")
        if (count := states[state])
    ]
    return f"{len(answers)} node{'' if len(answers) == 1 else 's'}: {', '.join(counted)}"
