"""The map of the cities: the schematic of the package, or GeoJSON that an administrator has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from fengsui.errors import BadSetting
from situation.tables import Regions

_SHAPES = ("Polygon", "MultiPolygon")
_MOST_BYTES = 20_000_000


def load_map(path: Path, regions: Regions) -> dict[str, Any]:
    """A FeatureCollection whose features have the property ``city``; from a file, or a folder of ``*.geojson``.

    A feature names its city by ``city`` (an id) or ``name`` (Chinese or English, 市 may be left out). Raises BadSetting
    naming file and feature: a shape of no known city, a city twice, one that is missing.
    """
    files = sorted(path.glob("*.geojson")) if path.is_dir() else [path]
    if not files:
        raise BadSetting(f"map: {path}: no *.geojson in this folder")
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        for i, feature in enumerate(_features(file)):
            city, geometry = _feature(file, i, feature, regions)
            if city in found:
                raise BadSetting(f"map: {file}: feature {i}: {city} is on the map already")
            found[city] = {"type": "Feature", "properties": {"city": city}, "geometry": geometry}
    missing = [c for c in regions.cities if c not in found]
    if missing:
        raise BadSetting(f"map: {path}: {', '.join(missing)} is not on the map")
    return {"type": "FeatureCollection", "features": [found[c] for c in regions.cities]}


def _features(file: Path) -> list[Any]:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise BadSetting(f"map: {file}: larger than {_MOST_BYTES // 1_000_000} MB")
        value = msgspec.json.decode(file.read_bytes())
    except OSError as e:
        raise BadSetting(f"map: {file}: {e.strerror}") from e
    except msgspec.DecodeError as e:
        raise BadSetting(f"map: {file}: not JSON: {e}") from e
    features = value.get("features") if isinstance(value, dict) else None
    if not isinstance(features, list):
        raise BadSetting(f"map: {file}: not a FeatureCollection")
    return features


def _feature(file: Path, i: int, feature: Any, regions: Regions) -> tuple[str, dict[str, Any]]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        raise BadSetting(f"map: {file}: feature {i}: it has no properties")
    named = properties.get("city", properties.get("name"))
    city = _city(named, regions)
    if city is None:
        raise BadSetting(f"map: {file}: feature {i}: {named!r} is none of the cities of regions.yaml")
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") not in _SHAPES or not geometry.get("coordinates"):
        raise BadSetting(f"map: {file}: feature {i}: {city} has no {' or '.join(_SHAPES)}")
    return city, {"type": geometry["type"], "coordinates": geometry["coordinates"]}


def _city(named: object, regions: Regions) -> str | None:
    for key, c in regions.cities.items():
        if named in (key, c.zh, c.zh.removesuffix("市"), c.en):
            return key
    return None
