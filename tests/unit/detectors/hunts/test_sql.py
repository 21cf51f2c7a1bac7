"""The hunts' SQL: every piece is filled, every value bound, every flow counted once."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from detectors.hunts import sql
from detectors.hunts.networks import Networks
from detectors.hunts.sql import Scope, fill
from fengsui.finding import Window

FOLDER = Path(sql.__file__).parent
QUERIES = sorted(p.stem for p in FOLDER.glob("*.sql"))
SCOPE = Scope("o", "n", (Window(0, 1),), Networks.of(["10.0.0.0/8"]))


def test_there_are_queries() -> None:
    assert len(QUERIES) > 20


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_says_what_it_is_for_and_leaves_no_piece_open(name: str) -> None:
    assert (FOLDER / f"{name}.sql").read_text(encoding="utf-8").startswith("-- ")
    given = {"keys": "src_ip", "wanted": "[]", "extra": "true"} if name == "facts" else {}
    asked: list[tuple[str, object]] = []
    SCOPE.ask(lambda text, values: asked.append((text, values)) or pa.table({}), name, None, **given)
    ((text, values),) = asked
    assert "@" not in text
    assert "--" not in text
    assert isinstance(values, dict)
    assert {"org", "network", "start", "end"} <= set(values)
    assert set(re.findall(r"\{((?:local|nowhere|inside|lows|highs)\w*):", text)) <= set(values)


@pytest.mark.parametrize("name", QUERIES)
def test_every_table_is_read_within_organisation_network_and_window(name: str) -> None:
    text = fill(name, SCOPE._pieces() | {"keys": "src_ip", "wanted": "[]", "extra": "true"})
    reads = re.findall(r"FROM (?:flow|dns|http|tls|file)\b(.*?)(?=FROM|UNION|$)", text, re.S)
    for after in reads:
        assert "org = {org:String} AND network = {network:String}" in after
        assert "NOT clock_ahead" in after


def test_a_public_scope_takes_its_sources_from_outside() -> None:
    public = Scope("o", "n", (Window(0, 1),), Networks.of(["10.0.0.0/8"]), public=True)
    assert "{local_lows:" not in fill("beacon_pairs", public._pieces())
    assert "{local_lows:" in fill("beacon_pairs", SCOPE._pieces())
