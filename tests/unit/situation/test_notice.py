"""The words of a notice: complete, natural in both languages, harmless."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from situation.area import Organisation
from situation.notice import content, moment, printable
from situation.warnings import Basis, Case, Notice, edited, grade, text
from tests.conftest import DAY
from tests.unit.situation.conftest import RULES, STANDARDS

ORGS = {
    i: Organisation(i, f"单位{i}", f"Org {i}", city, "finance", "small", 4, False)
    for i, city in (("a", "ningbo"), ("b", "hangzhou"), ("c", "hangzhou"))
}


def basis(org: str = "a", **changes: object) -> Basis:
    b = Basis(f"{org}1", org, "beacon", "malware/botnet", "host:10.0.0.5", 5,
              '["beacon",{"src":"10.0.0.5","dst":"203.0.113.9"}]', DAY, DAY)  # fmt: skip
    return b._replace(**changes)


def words(standards, case: Case, organisations: dict[str, Organisation] = ORGS) -> dict[str, Notice]:
    return content(case, grade(case, organisations, standards), organisations, standards).notice


def test_a_critical_alert_is_told_in_full_in_both_languages(standards):
    found = words(standards, Case("critical_alert", "k", (basis(),)))
    assert msgspec.structs.asdict(found["zh"]) == {
        "category": "恶意程序事件（僵尸网络事件）", "level": "橙色预警（重大）",
        "start_time": "2023年11月15日08:00（北京时间）",
        "scope": "宁波市的 1 家单位：单位a",
        "matters": "单位a出现严重级别告警“信标外联”：10.0.0.5 连接了 203.0.113.9。",
        "measures": "隔离涉及的主机，保全证据后清除恶意程序，阻断告警中的外部地址与域名；实行 24 小时值班；"
                    "启动防护预案；请专业机构待命；检查设备与备份。自发布之时起执行，至预警解除时止。", "issuer": "",
    }  # fmt: skip
    assert found["en"].matters == "Org a, Beacon (critical): 10.0.0.5 called 203.0.113.9."
    assert found["en"].scope == "1 organisation in Ningbo: Org a"
    assert (found["en"].category, found["en"].level) == ("Malicious program: botnet", "Orange (severe)")
    assert found["en"].start_time == "2023-11-15 08:00 (UTC+8)"
    assert found["en"].measures.startswith("Isolate the hosts concerned")
    assert found["en"].measures.endswith("From issue until the warning is lifted.")


def test_a_shared_subject_names_it_and_the_organisations_by_city(standards):
    case = Case("shared_subject", "k", tuple(basis(o) for o in "abc"), subject="domain:bad.example")
    c = content(case, grade(case, ORGS, standards), ORGS, standards)
    assert c.title.both() == {"en": "domain name bad.example in alerts of 3 organisations",
                              "zh": "3 家单位的告警涉及域名 bad.example"}  # fmt: skip
    assert c.notice["zh"].scope == "杭州市、宁波市的 3 家单位：单位b、单位c、单位a"
    assert c.notice["zh"].matters.startswith("3 家单位的告警涉及同一域名 bad.example，其中：单位a出现严重级别")
    assert c.notice["en"].scope == "3 organisations in Hangzhou and Ningbo: Org b, Org c, Org a"


@pytest.mark.parametrize(("scope", "zh", "en"), [
    (("province", "province"), "浙江省态势指数由 10.0 升至 42.3", "Zhejiang: situation index up from 10.0 to 42.3"),
    (("city", "ningbo"), "宁波市态势指数由 10.0 升至 42.3", "Ningbo: situation index up from 10.0 to 42.3"),
    (("organisation", "a"), "单位a态势指数由 10.0 升至 42.3", "Org a: situation index up from 10.0 to 42.3"),
])  # fmt: skip
def test_a_jump_says_whose_index_and_from_where_to_where(standards, scope, zh, en):
    case = Case("index_jump", "k", tuple(basis("a", id=f"{i}") for i in range(5)), scope=scope, moved=(10.0, 42.34))
    c = content(case, grade(case, ORGS, standards), ORGS, standards)
    assert c.title.both() == {"en": en, "zh": zh}
    assert "另有 2 条告警" in c.notice["zh"].matters and "and 2 more alerts." in c.notice["en"].matters


def test_of_many_organisations_some_are_named_and_the_rest_counted(standards):
    orgs = {f"o{i:02}": replace(ORGS["a"], id=f"o{i:02}", zh=f"单位{i}", en=f"Org {i}") for i in range(14)}
    case = Case("shared_subject", "k", tuple(basis(o) for o in orgs), subject="domain:bad.example")
    found = words(standards, case, orgs)
    assert found["zh"].scope.startswith("宁波市的 14 家单位：单位0、") and found["zh"].scope.endswith("单位9等")
    assert found["en"].scope.endswith("Org 9 and 4 more")


def test_names_that_attackers_chose_cannot_turn_the_text_round_or_fill_the_page(standards):
    nasty = msgspec.json.encode(["beacon", {"src": "a\u202eb\x1b[2J", "dst": "x" * 9000}]).decode()
    found = words(standards, Case("critical_alert", "k", (basis(summary=nasty),)))
    for n in found.values():
        assert all(c.isprintable() for c in n.matters) and len(n.matters) < 1000
    assert printable("a\u202eb") == "a\\u202eb"


@pytest.mark.parametrize("summary", ["[]", "{", '["beacon", 3]', '["gone", {"a": 1}]', "", '["beacon", {}]'])
def test_a_summary_that_cannot_be_read_does_not_stop_the_warning(standards, summary):
    found = words(standards, Case("critical_alert", "k", (basis(summary=summary),)))
    assert "信标外联" in found["zh"].matters


def test_a_rule_that_is_gone_is_called_by_its_id(standards):
    found = words(standards, Case("critical_alert", "k", (basis(rule="old-rule", category="moon/base"),)))
    assert "old-rule" in found["zh"].matters and found["zh"].category == "moon/base"
    assert found["zh"].measures.startswith("核查告警所涉对象")


def test_a_persons_words_take_the_place_of_the_machines_in_each_language(standards):
    case = Case("critical_alert", "k", (basis(),))
    c = content(case, grade(case, ORGS, standards), ORGS, standards)
    found = edited(c, {"measures": text("Stay calm.", "保持冷静。")})
    assert (found["en"].measures, found["zh"].measures) == ("Stay calm.", "保持冷静。")
    assert found["zh"].matters == c.notice["zh"].matters


def test_times_are_those_of_the_place(standards):
    assert moment(DAY + 61_000_000 * 60 * 20, "zh", standards) == "2023年11月16日04:20（北京时间）"


def test_every_level_has_its_words_and_every_category_of_the_rules_its_name(standards):
    assert STANDARDS.is_dir() and RULES
    for level, measures in standards.levels.response.items():
        assert len(measures.en) == len(measures.zh) > 0 and standards.levels.levels[level].zh
    for rule in RULES.values():
        assert standards.categories.name(rule.category).zh.endswith("）")
