from __future__ import annotations

import math

import pytest

from detectors.software import code, hooks, unpack, wording
from detectors.software.facts import Evidence, Facts, File, Limit, visible
from detectors.software.verdict import AT_LEAST, Context, verdict


def facts(*evidence: Evidence, limits: tuple[Limit, ...] = ()) -> Facts:
    return Facts("00", 1, "text", "a", (File("x", "00", 1, "text", 0),), evidence, limits)


STRONG = Evidence("strong", "x", 9.0)


def test_nothing_found_is_clean_and_with_a_limit_incomplete():
    assert verdict(facts()).word == "clean"
    assert verdict(facts(limits=(Limit("depth", "x"),))).word == "incomplete"


def test_a_limit_hides_nothing_that_was_found():
    got = verdict(facts(STRONG, limits=(Limit("bytes", "x"),)))
    assert (got.word, [x.name for x in got.limits]) == ("malicious", ["bytes"])


def test_shares_and_base_sum_to_the_score():
    got = verdict(facts(STRONG, Evidence("weak", "x", 0.7), Evidence("weak", "y", 0.7), Evidence("good", "x", -2.0)))
    score = got.base + sum(share for _, share in got.reasons)
    assert got.probability == pytest.approx(1 / (1 + math.exp(-score)))


def test_one_weak_sign_in_very_many_files_is_no_verdict():
    assert verdict(facts(*(Evidence("weak", f"{i}", 1.5) for i in range(500)))).word == "clean"


def test_a_known_bad_hash_is_malicious_whatever_else():
    got = verdict(facts(), Context({"00": "a list"}))
    assert (got.word, got.reasons[0][0].rule, got.reasons[0][0].matched) == ("malicious", "known-bad", "a list")


def test_the_verdict_is_the_same_whatever_the_order_of_evidence():
    evidence = [Evidence(f"r{i % 3}", f"f{i}", 0.1 * i) for i in range(12)]
    assert verdict(facts(*evidence)).probability == pytest.approx(verdict(facts(*reversed(evidence))).probability)


def test_every_rule_and_limit_of_unpacking_has_its_words_in_both_languages():
    weights = {**unpack.WEIGHTS, **{f"python.{r}": w for r, w in code.WEIGHTS.items()}, **hooks.WEIGHTS}
    assert len(weights) > 30
    for rule in weights:
        assert all(wording.reason(Evidence(rule, "", 1.0), lang) != rule for lang in ("en", "zh")), rule
    for text in (*wording.RULES.values(), *wording.LIMITS.values(), *wording.VERDICTS.values()):
        assert len(text) == 2
        assert all(text)
    assert set(AT_LEAST) < set(wording.VERDICTS)


def test_names_are_shown_with_what_deceives_escaped():
    assert visible("a\u202eb\x1b[31m") == "a\\u202eb\\x1b[31m"
    assert visible("\udcff") == "\\udcff"
    assert visible("烽燧") == "烽燧"
