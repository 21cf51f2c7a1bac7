"""Window hunts: a query over stored events, then pure scoring. The list is visible here; rules load in the call."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from detectors import rulefile
from detectors.base import WindowHunt
from detectors.hunts.beacon import Beacon
from detectors.hunts.dns_tunnel import DnsTunnel
from detectors.hunts.guessing import Guessing
from detectors.hunts.networks import Networks
from detectors.hunts.outward import Exfiltration, LongConnection
from detectors.hunts.scans import Scan
from detectors.rulefile import RuleFile
from fengsui.errors import BadRule

VERSION = "1"  # part of every rule's version: raise it when a score may change
RULES = ("beacon", "strobe", "long_connection", "scan_horizontal", "scan_vertical", "dns_tunnel", "guessing",
         "exfiltration")  # fmt: skip


class HuntSettings(Protocol):
    """What hunts need of the settings: the networks whose hosts are ours, in CIDR notation."""

    @property
    def local_networks(self) -> tuple[str, ...]: ...


def files(rules: Path) -> dict[str, RuleFile]:
    """The rule files of the hunts by id, from ``rules``/hunts. Raises BadRule for one that is missing or unknown."""
    folder = rules / "hunts"
    there = {p.stem for p in folder.glob("*.yaml")}
    for name in (*sorted(there - set(RULES)), *(n for n in RULES if n not in there)):
        raise BadRule(folder / f"{name}.yaml", "no hunt reads it" if name in there else "the file is missing")
    return {name: rulefile.load(folder / f"{name}.yaml", VERSION) for name in RULES}


def window_hunts(rules: Path, settings: HuntSettings) -> list[WindowHunt]:
    """All window hunts, in the order in which they run. ``rules``: the folder that holds hunts/, sigma/, …"""
    rule, networks = files(rules), Networks.of(settings.local_networks)
    return [
        Beacon(rule["beacon"], rule["strobe"], networks),
        LongConnection(rule["long_connection"], networks),
        Scan(rule["scan_horizontal"], networks),
        Scan(rule["scan_vertical"], networks),
        DnsTunnel(rule["dns_tunnel"], networks),
        Guessing(rule["guessing"], networks),
        Exfiltration(rule["exfiltration"], networks),
    ]
