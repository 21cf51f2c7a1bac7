"""Who is watched: organisations with their names, city and sector, from a file into the registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from sqlalchemy import Connection, Engine, insert, select, update

from fengsui.errors import BadSetting
from fengsui.registry import models

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Size = Literal["small", "medium", "large"]
Pattern = Annotated[str, msgspec.Meta(pattern="^[a-z]+:.+$", max_length=200)]
Level = Annotated[int, msgspec.Meta(ge=1, le=5)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation. ``protection_level`` is that of its most important system (GB/T 22240, 1 to 5).

    ``critical``: it runs critical information infrastructure. ``internal``: names of packages that it uses inside
    and no
    public registry should have, as ``npm:@acme/*`` (an ecosystem and a pattern); they stay on this machine.
    """

    id: Line
    zh: Line
    en: Line
    city: str
    sector: str
    size: Size = "medium"
    protection_level: Level = 2
    critical: bool = False
    internal: tuple[Pattern, ...] = ()


@dataclass(frozen=True)
class Known:
    """Ids of the cities and sectors that there are."""

    cities: Collection[str]
    sectors: Collection[str]


def known(rules: Path) -> Known:
    """Cities and sectors as ``standards/regions.yaml`` of a folder of rules has them."""
    regions = msgspec.yaml.decode((rules / "standards" / "regions.yaml").read_bytes())
    return Known(tuple(regions["cities"]), tuple(regions["sectors"]))


def read_file(path: Path, there: Known) -> list[Entry]:
    """The organisations of a YAML list. Raises BadSetting that names the file, the entry and the key."""
    found: dict[str, Entry] = {}
    for number, raw in enumerate(_list(path), 1):
        entry = _entry(f"{path}: entry {number}{_name(raw)}", raw, there)
        if entry.id in found:
            raise BadSetting(f"{path}: entry {number}: id {entry.id!r} is given twice")
        found[entry.id] = entry
    return list(found.values())


def _list(path: Path) -> list[Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadSetting(f"{path}: {e.strerror}") from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise BadSetting(f"{path}: not YAML: {e}") from e
    if not isinstance(raw, list):
        raise BadSetting(f"{path}: it must be a list of organisations")
    return raw


def _name(raw: object) -> str:
    return f" ({raw['id']})" if isinstance(raw, Mapping) and "id" in raw else ""


def _entry(place: str, raw: object, there: Known) -> Entry:
    try:
        entry = msgspec.convert(raw, Entry)
    except msgspec.ValidationError as e:
        raise BadSetting(f"{place}: {e}") from e
    for key, value, ids in (("city", entry.city, there.cities), ("sector", entry.sector, there.sectors)):
        if value not in ids:
            raise BadSetting(f"{place}: {key}: {value!r} is not known; there are {', '.join(ids)}")
    return entry


def load(registry: Engine, rows: Sequence[Entry]) -> int:
    """Add those that are new and change those that differ, in one transaction; how many. Nobody is removed."""
    with registry.begin() as db:
        return sum(_put(db, _kept(row)) for row in rows)


def _kept(row: Entry) -> dict[str, Any]:
    """Its columns: names that are used inside stay in the file."""
    return {k: v for k, v in msgspec.structs.asdict(row).items() if k != "internal"}


def _put(db: Connection, row: dict[str, Any]) -> bool:
    table = models.organisation
    mine = table.c.id == row["id"]
    there = db.execute(select(*(table.c[k] for k in row)).where(mine)).one_or_none()
    if there is None:
        db.execute(insert(table).values(row))
    elif dict(there._mapping) != row:
        db.execute(update(table).where(mine).values(row))
    else:
        return False
    return True
