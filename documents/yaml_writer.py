"""YAML that means the same to Python and to Go."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import yaml


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper. It also quotes what only Go's YAML reads as a number or a boolean."""

    def ignore_aliases(self, _: object) -> bool:
        # A value that is used twice is written twice, so that a person sees it, and a change of one, in its place.
        return True


# go-yaml reads these as numbers and booleans (resolve.go), PyYAML as text.
_ONLY_GO_READS: Final = (
    ("tag:yaml.org,2002:float", r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("tag:yaml.org,2002:int", r"[-+]?0[oO][0-7_]+$", "-+0"),
    ("tag:yaml.org,2002:bool", r"[yYnN]$", "yYnN"),
)
for _tag, _pattern, _first_characters in _ONLY_GO_READS:
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), list(_first_characters))
# A number that was written in another form (settings/yaml_reader.py).
_Dumper.add_multi_representer(int, yaml.SafeDumper.represent_int)
_Dumper.add_multi_representer(float, yaml.SafeDumper.represent_float)


def dump(document: Mapping[str, object] | Sequence[object]) -> str:
    """Return the document in block style and ASCII, keys in their order, one newline at the end.

    No line is folded: a reader on the node could take what follows a fold for a key.
    """
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=sys.maxsize)
