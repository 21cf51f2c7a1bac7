"""Trees as arrays: what they say is what the trainer's say, and its shares sum."""

from __future__ import annotations

import random

import numpy as np
import pytest

from detectors.software.facts import Evidence, Facts, File, Use
from detectors.software.features import features, is_python_package, place
from detectors.software.model import load
from detectors.software.verdict import by_model, verdict
from evals.train import calibrated, exported, fit, write

NAMES = [f"rule r{i}" for i in range(8)]


@pytest.fixture(scope="module")
def data():
    r = np.random.default_rng(4)
    x = (r.random((600, 8)) < 0.3).astype(float)
    x[:, 7] = r.random(600) * 9
    y = ((x[:, 0] + x[:, 1] * x[:, 2] + x[:, 7] / 9 + r.normal(0, 0.3, 600)) > 0.9).astype(int)
    return x, y


def test_the_arrays_say_what_the_trees_say_and_the_shares_sum_to_it(data, tmp_path):
    x, y = data
    trained = fit(x, y, NAMES)
    model = exported(trained, NAMES, 1.5, -0.25)
    write(model, tmp_path / "model.npz")
    read = load(tmp_path / "model.npz")
    assert read.rules == ("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7")
    raw = trained.decision_function(x)
    for row, want in zip(x[:100], raw[:100], strict=True):
        base, shares = read.shares(dict(zip(NAMES, row, strict=True)))
        assert base + sum(shares.values()) == pytest.approx(1.5 * want - 0.25, abs=1e-3)


def test_a_feature_that_is_not_given_is_zero_and_one_that_is_unknown_is_nothing(data):
    x, y = data
    model = exported(fit(x, y, NAMES), NAMES, 1.0, 0.0)
    given = dict.fromkeys(NAMES, 0.0)
    assert model.shares({}) == model.shares(given) == model.shares({"another": 1.0})


def test_what_is_found_never_lowers_the_score(data):
    x, y = data
    model = exported(fit(x, y, NAMES), NAMES, 1.0, 0.0)
    r = random.Random(3)
    for _ in range(200):
        some = {n: 1.0 for n in NAMES[:7] if r.random() < 0.4}
        more = some | {r.choice(NAMES[:7]): 1.0}
        scores = [sum(s.values()) + base for base, s in (model.shares(some), model.shares(more))]
        assert scores[1] >= scores[0] - 1e-6


def test_a_calibrated_score_is_the_log_odds_at_the_prior():
    r = np.random.default_rng(1)
    scores = np.concatenate([r.normal(2, 1, 4000), r.normal(0, 1, 4000)])
    scale, shift = calibrated(scores, np.repeat([1, 0], 4000))
    assert scale == pytest.approx(2.0, rel=0.1)  # of two normal distributions two apart
    assert shift == pytest.approx(-2.0 + np.log(0.02 / 0.98), rel=0.1)


WHEEL = (File("p-1.whl", "00", 9, "zip", 0), File("p-1.whl!/p-1.dist-info/METADATA", "01", 3, "text", 1))
SETUP, ENTRY = "p-1.tar.gz!/p-1.tar!/p-1/setup.py", "p-1.whl!/p/__init__.py"


def facts(*evidence: Evidence, uses: tuple[Use, ...] = (), files: tuple[File, ...] = WHEEL) -> Facts:
    return Facts("00", 9, "zip", "a", files, evidence, uses=uses)


def test_places_are_when_a_file_is_read():
    assert [place(p) for p in (SETUP, ENTRY, "x.whl!/p/mod.py", "x.whl!/p.pth")] == ["setup", "entry", "other", "start"]
    aside = ("x.whl!/tests/setup_x.py", "t/test_a.py", "x.whl!/p/tests/__init__.py", "docs/conf.py")
    assert {place(p) for p in aside} == {"aside"}


def test_features_know_rules_places_the_hottest_file_and_uses():
    hot = (Evidence("a", SETUP, 2.0), Evidence("b", SETUP, 1.0), Evidence("b", SETUP, 0.5))
    got = features(facts(*hot, Evidence("c", "x/other.py", 2.5), uses=(Use("install", "os.system", SETUP, 3),)))
    assert {n: f.value for n, f in got.items() if n.startswith(("heat", "hot"))} == {
        "heat": 3.0, "heat early": 3.0, "hot a": 1.0, "hot b": 1.0}  # fmt: skip
    assert {"rule a", "rule a at setup", "rule c at other", "use install os.system", "early os"} <= set(got)
    assert "hot c" not in got
    assert [e.weight for e in got["rule b"].of] == [1.0, 0.5]


def test_size_and_number_of_files_are_no_features():
    many = WHEEL + tuple(File(f"p-1.whl!/p/{i}.py", f"{i:02x}", 10**6, "python", 1) for i in range(50))
    one = Evidence("a", SETUP, 2.0)
    assert {n: f.value for n, f in features(facts(one)).items()} == {
        n: f.value for n, f in features(facts(one, files=many)).items()}  # fmt: skip


def test_only_python_packages_are_for_the_model():
    assert is_python_package(facts())
    assert not is_python_package(facts(files=(File("a.tgz!/a.tar!/package/package.json", "00", 1, "json", 2),)))


def test_the_shipped_models_shares_and_base_sum_and_each_is_tied_to_what_it_stands_for():
    found = (Evidence("python.exec-decoded", SETUP, 4.0, 3), Evidence("python.install-process", SETUP, 2.0, 5))
    uses = (Use("install", "base64.b64decode", SETUP, 3), Use("install", "os.system", SETUP, 5))
    told = facts(*found, uses=uses)
    model = load()
    base, shares = by_model(told, model)
    whole_base, by_feature = model.shares({n: f.value for n, f in features(told).items()})
    assert base + sum(s for _, s in shares) == pytest.approx(whole_base + sum(by_feature.values()))
    got = verdict(told)
    score = got.base + sum(s for _, s in got.reasons)
    assert got.probability == pytest.approx(1 / (1 + np.exp(-score)))
    assert got.word in ("malicious", "suspicious")
    assert {(e.path, e.line) for e, _ in got.reasons} <= {(SETUP, 3), (SETUP, 5)}
    assert verdict(facts()).word == "clean"


def test_a_rule_that_training_did_not_see_counts_by_its_weight():
    assert verdict(facts(Evidence("never-seen", ENTRY, 9.0))).word == "malicious"
    assert verdict(facts(), model=load()).word == "clean"
