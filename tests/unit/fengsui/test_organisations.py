"""Organisations: from a file, strictly, into the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from detectors.catalogue import rules_folder
from fengsui.errors import BadSetting
from fengsui.registry import models
from fengsui.registry.database import open_registry
from fengsui.registry.organisations import Entry, known, load, read_file

THERE = known(rules_folder(None))
BANK = ("- {id: bank, zh: 银行, en: Bank, city: hangzhou, sector: finance, size: large, protection_level: 4, "
        "critical: true}\n")  # fmt: skip
SHOP = "- {id: shop, zh: 商店, en: Shop, city: ningbo, sector: trade}\n"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "who.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_a_file_gives_its_organisations_with_defaults(file):
    bank, shop = read_file(file(BANK + SHOP), THERE)
    assert bank == Entry("bank", "银行", "Bank", "hangzhou", "finance", "large", 4, True)
    assert (shop.size, shop.protection_level, shop.critical) == ("medium", 2, False)


@pytest.mark.parametrize(("entry", "says"), [
    (SHOP.replace("ningbo", "atlantis"), r"entry 2 \(shop\): city: 'atlantis' is not known; there are hangzhou"),
    (SHOP.replace("trade", "piracy"), r"entry 2 \(shop\): sector: 'piracy'"),
    (SHOP.replace("sector", "sectr"), r"entry 2 \(shop\): .*sectr"),
    (SHOP.replace("}", ", protection_level: 6}"), r"entry 2 \(shop\): .*protection_level"),
    (SHOP.replace("}", ", size: huge}"), r"entry 2 \(shop\): .*size"),
    (SHOP.replace("id: shop, ", ""), r"entry 2: .*`id`"),
    (BANK, r"entry 2: id 'bank' is given twice"),
    ("- shop\n", r"entry 2: "),
])  # fmt: skip
def test_what_is_wrong_names_file_entry_and_key(file, entry, says):
    with pytest.raises(BadSetting, match=rf"who\.yaml: {says}"):
        read_file(file(BANK + entry), THERE)


@pytest.mark.parametrize("text", ["", "a: 1\n", "- [\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_list_is_refused_by_name(file, text):
    with pytest.raises(BadSetting, match=r"who\.yaml: "):
        read_file(file(text), THERE)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    with pytest.raises(BadSetting, match=r"none\.yaml: No such file"):
        read_file(tmp_path / "none.yaml", THERE)


def test_loading_adds_changes_and_leaves_alone(file, tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.db'}")
    both = read_file(file(BANK + SHOP), THERE)
    assert load(registry, both) == 2
    assert load(registry, both) == 0
    assert load(registry, read_file(file(SHOP.replace("ningbo", "taizhou")), THERE)) == 1
    with registry.connect() as db:
        rows = db.execute(select(models.organisation).order_by(models.organisation.c.id)).all()
    registry.dispose()
    assert [tuple(r) for r in rows] == [("bank", "银行", "Bank", "hangzhou", "finance", "large", 4, True),
                                        ("shop", "商店", "Shop", "taizhou", "trade", "medium", 2, False)]  # fmt: skip
