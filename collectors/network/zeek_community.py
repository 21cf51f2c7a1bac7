"""Community IDs for rows of a log that has none, from the addresses in its columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.network.community import community_ids
from collectors.network.headers import COUNTERPARTS
from collectors.network.layout import IDENT

NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1}
MAPPED = np.frombuffer(bytes(10) + b"\xff\xff", np.uint8)


def fill_community_ids(columns: dict[str, Any]) -> None:
    """Fill ``community_id`` where it is empty, from the columns src_ip, dst_ip ((n, 16) uint8), ports and proto."""
    n = len(columns["ts"])
    given = columns.get("community_id")
    absent = np.ones(n, np.bool_) if given is None else pc.equal(given, "").to_numpy(zero_copy_only=False)
    if not absent.any():
        return
    proto = _numbers(columns["proto"], columns["src_ip"])
    who = _records(columns, proto)
    made = pc.if_else(pa.array(proto > 0), community_ids(who), "")
    columns["community_id"] = made if given is None else pc.if_else(pa.array(absent), made, given)


def _numbers(proto: pa.Array, src: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Protocol numbers of names; 0 where there is none."""
    coded = pc.dictionary_encode(proto)
    numbers = np.array([_number(p) for p in coded.dictionary.to_pylist()] or [0], np.int64)
    out: NDArray[np.int64] = numbers[coded.indices.to_numpy()]
    four = (src[:, :12] == MAPPED).all(axis=1)
    out[(out == 1) & ~four] = 58
    return out


def _number(proto: str) -> int:
    if proto.isdigit() and len(proto) <= 3:
        return min(int(proto), 255)
    return NUMBERS.get(proto, 0)


def _records(columns: dict[str, Any], proto: NDArray[np.int64]) -> NDArray[Any]:
    who = np.zeros(len(proto), IDENT)
    for side in ("src", "dst"):
        words = np.ascontiguousarray(columns[f"{side}_ip"]).view(">u8")
        who[f"{side}_hi"], who[f"{side}_lo"] = words[:, 0], words[:, 1]
        who[f"{side}_port"] = columns[f"{side}_port"]
    who["proto"] = proto
    asked = who["src_port"] & 0xFF
    who["one_way"] = ((proto == 1) & (COUNTERPARTS[0][asked] < 0)) | ((proto == 58) & (COUNTERPARTS[1][asked] < 0))
    return who
