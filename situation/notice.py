"""The words of a warning: its title and its notice in both languages, from the rules' texts and the standards. Pure.

What attackers chose (names, addresses) is in it: control and bidirectional characters are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from fengsui import wording
from situation.area import Organisation
from situation.standards import Standards
from situation.tables import Level, Text, text
from situation.warnings import INDEX_JUMP, MOST_BASIS, SHARED_SUBJECT, Basis, Case, Content, Grade, Notice

LANGUAGES = ("en", "zh")
_LONGEST = 400  # characters of an alert's summary: names in it may be long
_SEVERITY = {2: ("low", "低"), 3: ("medium", "中"), 4: ("high", "高"), 5: ("critical", "严重"), 6: ("fatal", "致命")}
_SUBJECTS = {"host": ("host", "主机"), "domain": ("domain name", "域名"), "file": ("file", "文件"),
             "pkg": ("package", "软件包"), "org": ("organisation", "单位")}  # fmt: skip


def printable(value: str) -> str:
    """Control and bidirectional characters as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


def content(case: Case, grade: Grade, organisations: Mapping[str, Organisation], s: Standards) -> Content:
    """A graded case in words. ``grade.level`` None gives a notice without a level."""
    concerned = [organisations[o] for o in case.orgs if o in organisations]
    cities = tuple(c for c in s.regions.cities if any(o.city == c for o in concerned))
    notice = {lang: _notice(lang, case, grade, concerned, organisations, s) for lang in LANGUAGES}
    worst_first = sorted(case.basis, key=lambda b: (-b.severity, b.first_seen, b.id))[:MOST_BASIS]
    severities = {b.id: b.severity for b in worst_first}
    return Content(grade, case.worst.category, title(case, organisations, s), case.orgs, cities, severities, notice)


def title(case: Case, organisations: Mapping[str, Organisation], s: Standards) -> Text:
    n = len(case.orgs)
    if case.trigger == SHARED_SUBJECT:
        en, zh = subject(case.subject, "en"), subject(case.subject, "zh")
        return text(f"{en} in alerts of {n} organisations", f"{n} 家单位的告警涉及{zh}")
    if case.trigger == INDEX_JUMP:
        name, (a, b) = scope_name(case.scope, organisations, s), case.moved
        en = f"{name.en}: situation index up from {a:.1f} to {b:.1f}"
        return text(en, f"{name.zh}态势指数由 {a:.1f} 升至 {b:.1f}")
    worst = case.worst
    what, who = wording.title(s.rules, worst.rule), _name(worst.org, organisations)
    return text(f"{what['en']} at {who['en']}", f"{who['zh']}：{what['zh']}")


def scope_name(scope: tuple[str, str], organisations: Mapping[str, Organisation], s: Standards) -> Text:
    """The name of a scope: the province, a city or an organisation."""
    kind, id = scope
    if kind == "province":
        return text(s.regions.province.en, s.regions.province.zh)
    if kind == "city":
        return s.city(id)
    names = _name(id, organisations)
    return text(names["en"], names["zh"])


def subject(value: str, lang: str) -> str:
    """A subject in words: ``domain:a.example`` is *domain name a.example*."""
    kind, _, rest = value.partition(":")
    if not rest or kind not in _SUBJECTS:
        return printable(value)
    return f"{_SUBJECTS[kind][LANGUAGES.index(lang)]} {printable(rest)}"


def level_name(level: Level, s: Standards) -> Text:
    known = s.levels.levels[level]
    return text(f"{known.en} ({known.event_level.en})", f"{known.zh}预警（{known.event_level.zh}）")


def moment(us: int, lang: str, s: Standards) -> str:
    """A time as people of the place read it."""
    clock = s.warnings.clock
    local = datetime.fromtimestamp(us // 1_000_000, UTC) + timedelta(hours=clock.offset_hours)
    if lang == "zh":
        return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}（{clock.zh}）"
    return f"{local:%Y-%m-%d %H:%M} ({clock.en})"


def _name(org: str, organisations: Mapping[str, Organisation]) -> dict[str, str]:
    o = organisations.get(org)
    return {"en": o.en, "zh": o.zh} if o else {"en": org, "zh": org}


def _notice(lang: str, case: Case, grade: Grade, concerned: Sequence[Organisation],
            organisations: Mapping[str, Organisation], s: Standards) -> Notice:  # fmt: skip
    worst = case.worst
    return Notice(
        category=s.categories.name(worst.category).both()[lang],
        level=level_name(grade.level, s).both()[lang] if grade.level else "",
        start_time=moment(min(b.first_seen for b in case.basis), lang, s),
        scope=_scope(lang, concerned, s),
        matters=_matters(lang, case, organisations, s),
        measures=measures(lang, grade.level, worst.category, s),
    )


def _scope(lang: str, concerned: Sequence[Organisation], s: Standards) -> str:
    cities = [c for c in s.regions.cities if any(o.city == c for o in concerned)]
    named = [o for c in cities for o in concerned if o.city == c][: s.warnings.named]
    where = [s.city(c).both()[lang] for c in cities]
    n, more = len(concerned), len(concerned) > len(named)
    if lang == "zh":
        who = "、".join(o.zh for o in named)
        return f"{'、'.join(where)}的 {n} 家单位：{who}{'等' if more else ''}"
    who = ", ".join(o.en for o in named) + (f" and {n - len(named)} more" if more else "")
    return f"{n} organisation{'' if n == 1 else 's'} in {_listed(where)}: {who}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _matters(lang: str, case: Case, organisations: Mapping[str, Organisation], s: Standards) -> str:
    told = sorted(case.basis, key=lambda b: (-b.severity, -b.last_seen, b.id))[: s.warnings.told]
    stories = [_story(lang, b, organisations, s) for b in told]
    more = len(case.basis) - len(told)
    if lang == "zh":
        rest = f"；另有 {more} 条告警" if more else ""
        return f"{_opening_zh(case, organisations, s)}{'；'.join(stories)}{rest}。"
    rest = f"; and {more} more alert{'' if more == 1 else 's'}" if more else ""
    return f"{_opening_en(case, organisations, s)}{'; '.join(stories)}{rest}."


def _opening_en(case: Case, organisations: Mapping[str, Organisation], s: Standards) -> str:
    if case.trigger == SHARED_SUBJECT:
        about = subject(case.subject, "en")
        return f"Alerts of {len(case.orgs)} organisations concern the same {about}. Among them: "
    if case.trigger == INDEX_JUMP:
        name, (a, b), hours = scope_name(case.scope, organisations, s).en, case.moved, s.warnings.jump.hours
        return f"The situation index of {name} rose from {a:.1f} to {b:.1f} within {hours} hours. Main alerts: "
    return ""


def _opening_zh(case: Case, organisations: Mapping[str, Organisation], s: Standards) -> str:
    if case.trigger == SHARED_SUBJECT:
        return f"{len(case.orgs)} 家单位的告警涉及同一{subject(case.subject, 'zh')}，其中："
    if case.trigger == INDEX_JUMP:
        name, (a, b), hours = scope_name(case.scope, organisations, s).zh, case.moved, s.warnings.jump.hours
        return f"{name}的态势指数在 {hours} 小时内由 {a:.1f} 升至 {b:.1f}，主要告警："
    return ""


def _story(lang: str, b: Basis, organisations: Mapping[str, Organisation], s: Standards) -> str:
    who, what = _name(b.org, organisations)[lang], wording.title(s.rules, b.rule)[lang]
    severity = _SEVERITY.get(b.severity, ("", ""))[LANGUAGES.index(lang)]
    story = _summary(b, s)[lang]
    if lang == "zh":
        return f"{who}出现{severity}级别告警“{what}”" + (f"：{story}" if story else "")
    return f"{who}, {what} ({severity})" + (f": {story}" if story else "")


def _summary(b: Basis, s: Standards) -> dict[str, str]:
    """An alert's summary; none where it cannot be read: a finding of another's making must not stop the assessment."""
    try:
        words = wording.summary(s.rules, b.summary)
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError):
        return dict.fromkeys(LANGUAGES, "")
    return {lang: printable(w[:_LONGEST]) for lang, w in words.items()}


def measures(lang: str, level: Level | None, category: str, s: Standards) -> str:
    """What to do and for how long: first about what happened, then what the level asks for."""
    advice = s.warnings.advice.get(category.partition("/")[0], s.warnings.advice["other"]).both()[lang]
    asked = getattr(s.levels.response[level], lang) if level else []
    if lang == "zh":
        return f"{'；'.join([advice, *asked])}。自发布之时起执行，至预警解除时止。"
    words = "; ".join([advice, *asked])
    return f"{words[:1].upper()}{words[1:]}. From issue until the warning is lifted."
