"""How severe an advisory is: the score of its CVSS vector, or its source's own word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

WORDS = ("none", "low", "medium", "high", "critical")
_OTHERS = {"moderate": "medium", "important": "high", "negligible": "low", "unknown": ""}
_LEAST = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"), (0.0, "none"))
"""CVSS 3.1, 5: the scale of words."""


@lru_cache(maxsize=50_000)
def score(vector: str) -> float | None:
    """The base score of a vector of CVSS 2, 3 or 4; None for what is none."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    try:
        if vector.startswith("CVSS:4"):
            return float(CVSS4(vector).base_score)
        if vector.startswith("CVSS:3"):
            return float(CVSS3(vector).scores()[0])
        return float(CVSS2(vector).scores()[0]) if "/" in vector else None
    except (CVSSError, ValueError, KeyError, TypeError):
        return None


def severity(said: Sequence[str]) -> tuple[str | None, float | None]:
    """Word and score of the first vector that has one, the newest form first; else the source's word."""
    vectors = sorted((v for v in said if "/" in v), reverse=True)
    for vector in vectors:
        found = score(vector)
        if found is not None:
            return next(word for least, word in _LEAST if found >= least), found
    words = [w.lower() for w in said if "/" not in w]
    word = next((_OTHERS.get(w, w) for w in words), "")
    return (word if word in WORDS else None), None
