"""What matches, statuses and gates are called, in every language."""

from __future__ import annotations

from collections.abc import Mapping

Text = tuple[str, str]
"""English, Chinese."""

REASONS: Mapping[str, Text] = {
    "listed": ("{of} is listed", "{of} 在受影响版本列表中"),
    "listed_same": ("{of} is listed, which is the same version", "受影响版本列表中的 {of} 与其为同一版本"),
    "introduced": ("introduced in {of}", "自 {of} 引入"),
    "fixed": ("fixed in {of}", "已在 {of} 修复"),
    "last_affected": ("last affected was {of}", "最后受影响的版本为 {of}"),
    "no_range": ("it is in no range", "不在任何受影响范围内"),
    "not_listed": ("it is not listed", "不在受影响版本列表中"),
    "no_order": ("{of} has no place in the order of its ecosystem", "{of} 无法按其生态的版本规则排序"),
    "no_purl": ("{of} is no package URL", "{of} 不是有效的包 URL"), "no_version": ("it has no version", "没有版本号"),
    "no_source": ("no source has advisories on {of}", "没有任何公告来源覆盖 {of}"),
    "no_release": ("of which release of {of} it is nobody says", "未注明属于 {of} 的哪个发行版本"),
}  # fmt: skip
STATUSES: Mapping[str, Text] = {
    "affected": ("affected", "受影响"), "not_affected": ("not affected", "不受影响"),
    "suppressed": ("suppressed", "已排除"),
    "unordered": ("unordered", "无法排序"), "not_covered": ("not covered", "未覆盖"),
}  # fmt: skip
GATES: Mapping[str, Text] = {"fail": ("FAIL", "阻断"), "warn": ("warn", "提醒"), "pass": ("pass", "放行")}
SEVERITIES: Mapping[str, Text] = {
    "none": ("none", "无"), "low": ("low", "低危"), "medium": ("medium", "中危"), "high": ("high", "高危"),
    "critical": ("critical", "严重"),
}  # fmt: skip
ELEMENTS: Mapping[str, Text] = {
    "supplier": ("supplier", "供应商"), "name": ("name", "名称"), "version": ("version", "版本"),
    "identifier": ("identifier", "标识"), "dependencies": ("dependencies", "依赖关系"),
}  # fmt: skip


def word(known: Mapping[str, Text], key: str, lang: str) -> str:
    return known[key][lang == "zh"]


def reason(why: str, of: str, lang: str) -> str:
    return REASONS[why][lang == "zh"].format(of=of)
