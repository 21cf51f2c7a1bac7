"""What new releases in public registries say: names that are taken for others, names that an organisation uses inside,
somebody new who publishes what everybody uses, programs that run when it is installed, and streams that lack something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from detectors.base import ReadBlob
from detectors.software.names import KNOWN, Names, plain
from fengsui.batch import Batch
from fengsui.finding import HOUR_US, Conclusion, Detection, Evidence, Rule, microseconds

NETWORK = "software"
YOUNG = 7.0
"""Days for which a package counts as new, where the first of its versions was missed."""


def _rule(key: str, title: tuple[str, str], text: tuple[str, str], *techniques: str) -> Rule:
    """Title and text in English and Chinese."""
    titled, said = ({"en": both[0], "zh": both[1]} for both in (title, text))
    return Rule(f"software.{key}", "1", "malware/other", "supply_chain", techniques, 3, titled, said)


NEAR = _rule(
    "release-near", ("A new package has a name that is taken for a known one", "新软件包名称与知名软件包极其相似"),
    ("{purl} is new, and its name is taken for {known} (number {rank} of {ecosystem})",
     "新发布的 {purl} 名称与 {ecosystem} 排名第 {rank} 的 {known} 极其相似"), "T1195.001",
)  # fmt: skip
INTERNAL = _rule(
    "release-internal", ("A name that is used inside was published in public", "内部使用的软件包名称在公共仓库被发布"),
    ("{purl} was published in public; {org} uses {pattern} inside, and an installer that is not told better takes "
     "the public one",
     "公共仓库出现 {purl}，而 {org} 在内部使用 {pattern}；未加限制的安装程序会取用公共仓库中的同名包"), "T1195.001",
)  # fmt: skip
UPLOADER = _rule(
    "release-uploader", ("Somebody new published a package that everybody uses", "常用软件包由新的发布者发布"),
    ("{purl} was published by {uploader}, who had published no version of it before",
     "{purl} 由此前从未发布过该包的 {uploader} 发布"), "T1195.002",
)  # fmt: skip
HOOKS = _rule(
    "release-hooks",
    ("A package that everybody uses runs something new when it is installed", "常用软件包新增了安装时执行的命令"),
    ("{purl} runs when it is installed: {hooks}", "{purl} 在安装时执行：{hooks}"), "T1195.002",
)  # fmt: skip
GAP = _rule(
    "feed-gap", ("The change stream of a registry lacks something", "软件仓库的变更流存在缺口"),
    ("{ecosystem}: releases may have been missed: {why}", "{ecosystem}：可能漏掉了部分发布：{why}"),
)  # fmt: skip
RULES = (NEAR, INTERNAL, UPLOADER, HOOKS, GAP)


@dataclass(frozen=True)
class Internal:
    """Names that organisations use inside: (organisation, ecosystem, pattern of a shell). They never leave the
    machine."""

    entries: Sequence[tuple[str, str, str]] = ()

    @classmethod
    def of(cls, lists: Mapping[str, Iterable[str]]) -> Internal:
        """By organisation, each entry ``ecosystem:pattern``, as ``npm:@acme/*``."""
        return cls(tuple((org, *entry.split(":", 1)) for org, names in lists.items() for entry in names))  # type: ignore[misc]

    def whose(self, ecosystem: str, name: str) -> list[tuple[str, str]]:
        """Organisations that use a name inside, each with its pattern."""
        mine = plain(name)
        return [(org, p) for org, e, p in self.entries if e == ecosystem and fnmatchcase(mine, plain(p))]


class ReleaseDetector:
    """A batch detector over releases."""

    name = "releases"
    kinds: tuple[str, ...] = ("release",)
    rules: tuple[Rule, ...] = RULES

    def __init__(self, names: Mapping[str, Names], internal: Internal = Internal()) -> None:
        self._names, self._internal = names, internal

    def detect(self, batch: Batch, unit: str, read_blob: ReadBlob) -> list[Detection]:
        """Of each package and rule one conclusion a message: the first release that says so."""
        found: dict[tuple[str, str, str], Detection] = {}
        for row in batch.rows.to_pylist():
            for rule, org, severity, arguments in self._of(row):
                subject = f"feed:{row['ecosystem']}" if rule is GAP else _without_version(row)
                key = (rule.id, org, subject)
                if key not in found:
                    found[key] = _detection(rule, org, severity, arguments, subject, row, unit)
        return list(found.values())

    def _of(self, row: Mapping[str, Any]) -> Iterable[tuple[Rule, str, int, dict[str, str]]]:
        said = {"purl": row["purl"], "ecosystem": row["ecosystem"]}
        if row["action"] == "gap":
            yield GAP, row["org"], 3, {"ecosystem": row["ecosystem"], "why": row["summary"]}
        if row["action"] != "released":
            return
        for org, pattern in self._internal.whose(row["ecosystem"], row["name"]):
            yield INTERNAL, org, 4, said | {"org": org, "pattern": pattern}
        names = self._names.get(row["ecosystem"])
        if names is None:
            return
        new = row["first"] or (row["age_days"] is not None and row["age_days"] <= YOUNG)
        near = names.near(row["name"]) if new else None
        if near is not None and near.kind != "scope":
            yield NEAR, row["org"], 3, said | {"known": near.name, "rank": str(near.rank), "kind": near.kind}
        if names.rank(row["name"]) <= KNOWN:
            if row["new_uploader"]:
                yield UPLOADER, row["org"], 3, said | {"uploader": row["uploader"]}
            if row["new_hooks"]:
                yield HOOKS, row["org"], 3, said | {"hooks": "; ".join(row["install_hooks"])}


def _without_version(row: Mapping[str, Any]) -> str:
    purl = str(row["purl"])
    return purl.rpartition("@")[0] if row["version"] else purl


def _detection(rule: Rule, org: str, severity: int, arguments: Mapping[str, str], subject: str, row: Mapping[str, Any],
               unit: str) -> Detection:  # fmt: skip
    at = microseconds(row["ts"])
    told = ("name", "version", "uploader", "maintainers", "summary", "repository", "install_hooks", "first", "age_days")
    facts = {k: row[k] for k in told}
    return Detection(rule, org, NETWORK, Conclusion(
        subject=subject, severity=severity, confidence=80, arguments=arguments, explanation={**arguments, **facts},
        first_seen=at, last_seen=at, hours={at - at % HOUR_US: 1}, evidence=(Evidence("release", at, row["event_id"]),),
        filter={"kind": "release", "name": row["name"]}, origin=row["origin"], unit=unit))  # fmt: skip
