"""The known name that an unknown one resembles: `did you mean "clusterCIDR"?`."""

from difflib import get_close_matches
from functools import lru_cache


@lru_cache
def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return `; did you mean "…"?` with the most similar known name, or nothing if none is similar."""
    lower = {other.lower(): other for other in known}
    found = get_close_matches(name.lower(), lower, n=1)
    return f'; did you mean "{lower[found[0]]}"?' if found else ""
