"""The tables in ``rules/standards``, read strictly: an unknown key or a wrong value is an error naming file and key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from fengsui.errors import BadRule
from fengsui.finding import Rule
from situation import ahp
from situation.tables import BANDS, DIMENSIONS, Categories, Levels, Regions, Text, WarningRules, Weights, text


@dataclass(frozen=True)
class Standards:
    """Every table of ``rules/standards`` that the situation and the warnings stand on, and the rules by their id.

    ``rules`` gives alerts their titles and texts and says which dimensions there are sources for.
    """

    weights: Weights
    regions: Regions
    categories: Categories
    levels: Levels
    warnings: WarningRules
    rules: Mapping[str, Rule]

    def city(self, city: str) -> Text:
        known = self.regions.cities.get(city)
        return text(known.en, known.zh) if known else text(city, city)


def load(folder: Path, rules: Mapping[str, Rule]) -> Standards:
    """The tables in ``folder`` (``rules/standards``). Raises BadRule naming file and key."""
    weights = _read(folder / "situation_index.yaml", Weights)
    _check_weights(folder / "situation_index.yaml", weights)
    levels = _read(folder / "warning_levels.yaml", Levels)
    _check_levels(folder / "warning_levels.yaml", levels)
    warnings = _read(folder / "warning_rules.yaml", WarningRules)
    _check_warnings(folder / "warning_rules.yaml", warnings)
    return Standards(weights, _read(folder / "regions.yaml", Regions),
                     _read(folder / "incident_categories.yaml", Categories), levels, warnings, rules)  # fmt: skip


T = TypeVar("T")


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.convert(_tree(path), kind)
    except msgspec.ValidationError as e:
        raise BadRule(path, str(e).replace(" - at `$.", ": at `").replace(" - at `$", " at `")) from e


def _tree(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise BadRule(path, str(e.strerror)) from e
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        raise BadRule(path, f"not YAML: {getattr(e, 'problem', e)}", mark.line + 1 if mark else None) from e


def _whole(path: Path, key: str, given: Mapping[Any, object], needed: tuple[Any, ...]) -> None:
    missing = [n for n in needed if n not in given]
    if missing:
        raise BadRule(path, f"{key}: {missing[0]!r} is missing")


def _check_weights(path: Path, w: Weights) -> None:
    _whole(path, "dimensions", w.dimensions, DIMENSIONS)
    _whole(path, "r0", w.r0, DIMENSIONS)
    _whole(path, "bands", w.bands, BANDS)
    _whole(path, "importance", w.importance, ("particularly_important", "important", "general"))
    _whole(path, "asset.protection", w.asset.protection, (1, 2, 3, 4, 5))
    _whole(path, "disposal_hours", w.disposal_hours, tuple(w.exponents))
    for d in DIMENSIONS:
        _whole(path, f"r0.{d}", w.r0[d], ("small", "medium", "large"))
    starts = [w.bands[b].start for b in BANDS]
    if starts != sorted(set(starts)) or starts[0] != 0:
        raise BadRule(path, f"bands: {', '.join(BANDS)} must begin at 0 and rise")
    if [len(row) for row in w.judgements] != list(range(len(DIMENSIONS) - 1, 0, -1)):
        raise BadRule(path, f"judgements: rows of {len(DIMENSIONS) - 1} down to 1 numbers are needed")
    _check_alpha(path, w)


def _check_alpha(path: Path, w: Weights) -> None:
    alpha, ratio = ahp.weights(ahp.matrix(w.judgements))
    if ratio >= ahp.CONSISTENT:
        raise BadRule(path, f"judgements: they contradict each other (consistency ratio {ratio:.3f}, below 0.1 needed)")
    for d, a in zip(DIMENSIONS, alpha, strict=True):
        if abs(w.dimensions[d].alpha - a) > 0.001:
            given = w.dimensions[d].alpha
            raise BadRule(path, f"dimensions.{d}.alpha: {given} is not what the judgements give, {a:.4f}")


def _check_levels(path: Path, levels: Levels) -> None:
    for key, given in (("levels", levels.levels), ("response", levels.response), ("issuers", levels.issuers)):
        _whole(path, key, given, ("red", "orange", "yellow", "blue"))
    importances = ("particularly_important", "important", "general")
    _whole(path, "importance", levels.importance, importances)
    _whole(path, "damage", levels.damage, ("extreme", "severe", "major", "general"))
    _whole(path, "matrix", levels.matrix, importances)
    for importance, row in levels.matrix.items():
        if len(row) != len(levels.damage):
            raise BadRule(path, f"matrix.{importance}: {len(levels.damage)} levels are needed, one for each damage")


def _check_warnings(path: Path, rules: WarningRules) -> None:
    _whole(path, "advice", rules.advice, ("other",))
    _whole(path, "damage", rules.damage, (2, 3, 4, 5, 6))
    for network in rules.private:
        try:
            ip_network(network)
        except ValueError as e:
            raise BadRule(path, f"private: {e}") from e
