"""Which package something is, by what it says of itself."""

from __future__ import annotations

from detectors.software.facts import Facts
from detectors.software.names import plain

MOST = 200


def of(facts: Facts) -> str:
    """``ecosystem:name`` of the first claim, the name as registries compare it; "" where nothing is claimed."""
    claim = facts.claims[0] if facts.claims else None
    return "" if claim is None else f"{claim.ecosystem}:{plain(claim.name)}"[:MOST]
