"""The tables of the standards: what they say holds together, and a mistake in them is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fengsui.errors import BadRule, BadSetting
from situation import ahp
from situation.map import load_map
from situation.standards import load
from situation.tables import DIMENSIONS
from situation.warnings import TRANSITIONS
from tests.unit.situation.conftest import STANDARDS

MAP = STANDARDS / "map.geojson"


@pytest.fixture
def wrong(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """The folder of standards with one text of one file replaced."""

    def make(name: str, old: str, new: str) -> Path:
        folder = tmp_path / "standards"
        shutil.copytree(STANDARDS, folder, dirs_exist_ok=True)
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))
        return folder

    return make


def test_the_judgements_are_consistent_and_give_the_weights(standards):
    alpha, ratio = ahp.weights(ahp.matrix(standards.weights.judgements))
    assert ratio < 0.1
    assert [standards.weights.dimensions[d].alpha for d in DIMENSIONS] == pytest.approx(alpha.tolist(), abs=1e-3)
    assert sum(standards.weights.dimensions[d].alpha for d in DIMENSIONS) == pytest.approx(1)


def test_judgements_that_follow_from_one_another_have_ratio_0_and_contradictions_a_high_one():
    weights, ratio = ahp.weights(ahp.matrix([[2, 4], [2]]))
    assert weights == pytest.approx([4 / 7, 2 / 7, 1 / 7]) and ratio == pytest.approx(0, abs=1e-9)
    assert ahp.weights(ahp.matrix([[9, 1 / 9], [9]]))[1] > 1


def test_entropy_weighs_what_tells_organisations_apart():
    scores = np.array([[10.0, 0.0, 50.0], [10.0, 90.0, 40.0], [10.0, 0.0, 60.0]])
    weights = ahp.entropy_weights(scores)
    assert weights.sum() == pytest.approx(1) and weights[1] > weights[2] > weights[0] == pytest.approx(0, abs=1e-9)
    assert ahp.entropy_weights(np.zeros((4, 2))) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("file", "old", "new", "said"), [
    ("situation_index.yaml", "half_life_hours: 72", "half_life: 72", "unknown field `half_life`"),
    ("situation_index.yaml", "half_life_hours: 72", "half_life_hours: -1", "half_life_hours"),
    ("situation_index.yaml", "alpha: 0.2371", "alpha: 0.3371", "dimensions.network.alpha"),
    ("situation_index.yaml", "  - [1, 1, 4, 2, 2]", "  - [9, 0.1111, 4, 2, 2]", "consistency ratio"),
    ("situation_index.yaml", "good:      {from: 20", "good:      {from: 50", "bands"),
    ("situation_index.yaml", "small: 600, medium: 1000, large: 1800", "small: 600, medium: 1000", "'large' is missing"),
    ("situation_index.yaml", "resolved: 0.25", "resolved: 2", "resolved"),
    ("warning_levels.yaml", "[red, orange, yellow, blue]", "[red, orange, yellow]", "matrix.particularly_important"),
    ("warning_levels.yaml", "orange, yellow, blue, blue", "orange, yellow, green, blue", "matrix"),
    ("warning_rules.yaml", "10.0.0.0/8", "10.0.0.0/99", "private"),
    ("warning_rules.yaml", "fresh_hours: 72", "fresh_hours: soon", "fresh_hours"),
    ("incident_categories.yaml", "verified: names", "verified: names\nsurprise: 1", "surprise"),
    ("regions.yaml", "province:", "provinces:", "province"),
    ("warning_rules.yaml", "version: \"1\"", "version: [", "not YAML"),
])  # fmt: skip
def test_a_mistake_names_the_file_and_the_key(wrong, file, old, new, said):
    with pytest.raises(BadRule) as e:
        load(wrong(file, old, new), {})
    assert file in str(e.value) and said in str(e.value)


def test_a_table_that_is_missing_is_named(wrong):
    folder = wrong("regions.yaml", "province", "province")
    (folder / "warning_rules.yaml").unlink()
    with pytest.raises(BadRule, match=r"warning_rules\.yaml"):
        load(folder, {})


def test_states_of_warnings_are_those_of_the_standard(standards):
    assert set(TRANSITIONS) <= set(standards.levels.states)


def test_the_map_of_the_package_shows_every_city_once(standards):
    found = load_map(MAP, standards.regions)
    assert [f["properties"]["city"] for f in found["features"]] == list(standards.regions.cities)
    for f in found["features"]:
        ring = f["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1] and len(ring) == 7
        area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
        assert area > 0, "the outer ring runs against the clock"


def feature(name: str, **changes: object) -> dict[str, object]:
    shape = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    return {"type": "Feature", "properties": {"name": name}, "geometry": shape} | changes


def test_a_folder_of_files_that_name_cities_in_chinese_is_a_map_too(standards, tmp_path):
    for city, c in standards.regions.cities.items():
        name = c.zh.removesuffix("市")
        (tmp_path / f"{city}.geojson").write_text(json.dumps({"features": [feature(name)]}))
    found = load_map(tmp_path, standards.regions)
    assert {f["properties"]["city"] for f in found["features"]} == set(standards.regions.cities)


@pytest.mark.parametrize(("features", "said"), [
    ([feature("上海")], "feature 0: '上海' is none of the cities"), ([feature("宁波")], "hangzhou, wenzhou"),
    ([feature("宁波"), feature("宁波市")], "feature 1: ningbo is on the map already"),
    ([feature("宁波", geometry={"type": "Point", "coordinates": [1]})], "feature 0: ningbo has no Polygon"),
    ([feature("宁波", properties=None)], "feature 0: it has no properties"), ([7], "feature 0"),
    ("x", "not a FeatureCollection"),
])  # fmt: skip
def test_a_map_that_cannot_be_shown_is_refused_with_file_and_feature(standards, tmp_path, features, said):
    (tmp_path / "m.geojson").write_text(json.dumps({"features": features}))
    with pytest.raises(BadSetting) as e:
        load_map(tmp_path / "m.geojson", standards.regions)
    assert said in str(e.value) and "m.geojson" in str(e.value)


def test_a_map_that_is_not_there_or_no_json_is_refused(standards, tmp_path):
    (tmp_path / "m.geojson").write_text("{")
    for path, said in ((tmp_path / "no.geojson", "No such file"), (tmp_path / "m.geojson", "not JSON")):
        with pytest.raises(BadSetting, match=said):
            load_map(path, standards.regions)
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSetting, match=r"no \*\.geojson"):
        load_map(tmp_path / "empty", standards.regions)
