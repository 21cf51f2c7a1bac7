"""Rule files, read strictly: every key is known, every value has its type, and an error names file and line."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from fengsui.errors import BadRule
from fengsui.finding import Rule

LANGUAGES = ("en", "zh")
_CATEGORY = re.compile(r"[a-z_]+/[a-z_]+")
_ID = re.compile(r"[a-z][a-z0-9_.-]*")
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?")
_DOMAINS = ("network", "supply_chain", "data", "physical")
T = TypeVar("T")


@dataclass(frozen=True)
class Section:
    """A mapping of a YAML file that remembers the line of each key."""

    path: Path
    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def error(self, reason: str, key: str | None = None) -> BadRule:
        return BadRule(self.path, reason, self.lines.get(key, self.line) if key is not None else self.line)

    def empty(self) -> Section:
        """No keys, at the same place: for errors about what was not written in the file."""
        return Section(self.path, self.line, {}, {})

    def only(self, allowed: set[str]) -> None:
        """Refuse keys that nothing reads."""
        for key in self.values:
            if key not in allowed:
                raise self.error(f"unknown key {key!r}; known are {', '.join(sorted(allowed))}", key)


@dataclass(frozen=True)
class RuleFile:
    """A file of ``rules/hunts``: what every rule says of itself, the thresholds of its hunt, and its samples."""

    path: Path
    rule: Rule
    hours: int
    thresholds: Section
    samples: Section


def read(path: Path) -> Section:
    """One YAML document whose top is a mapping. Raises BadRule."""
    return parse(path, path.read_text(encoding="utf-8"))


def parse(path: Path, text: str) -> Section:
    """The same from text; ``path`` is only named in errors."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else None
        raise BadRule(path, f"not YAML: {e.problem}", line) from e
    value = None if node is None else _value(path, node)
    if not isinstance(value, Section):
        raise BadRule(path, "the file must be one mapping of keys to values", 1)
    return value


def _value(path: Path, node: yaml.Node) -> Any:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, n) for n in node.value]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(path, node)
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key, at = str(key_node.value), key_node.start_mark.line + 1
        if key in values:
            raise BadRule(path, f"key {key!r} is given twice", at)
        values[key], lines[key] = _value(path, value_node), at
    return Section(path, line, values, lines)


def _scalar(path: Path, node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as e:
        raise BadRule(path, f"cannot read {node.value!r}: {e}", node.start_mark.line + 1) from e
    finally:
        loader.dispose()


def into(cls: type[T], section: Section) -> T:
    """A section as a dataclass: the same keys, each of its type; fields with a default may be left out."""
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]  # callers pass dataclasses
    section.only({f.name for f in fields})
    given: dict[str, Any] = {}
    for f in fields:
        if f.name in section.values:
            given[f.name] = _typed(hints[f.name], section.values[f.name], section, f.name)
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise section.error(f"key {f.name!r} is missing")
    try:
        return cls(**given)
    except ValueError as e:
        raise section.error(str(e)) from e


def _typed(hint: Any, value: Any, section: Section, key: str) -> Any:
    wrong = section.error(f"{key}: {value!r} is not {_name(hint)}", key)
    origin, args = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Section):
            raise wrong
        return into(hint, value)
    if origin is tuple:
        if not isinstance(value, list) or (args[-1] is not Ellipsis and len(value) != len(args)):
            raise wrong
        return tuple(_typed(args[0], v, section, key) for v in value)
    if origin in (Mapping, dict):
        if not isinstance(value, Section):
            raise wrong
        return {k: _typed(args[1], v, value, k) for k, v in value.values.items()}
    if origin is types.UnionType:
        return None if value is None else _typed(args[0], value, section, key)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise wrong
    return value


def _name(hint: Any) -> str:
    plain = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return plain.get(hint, "a list" if get_origin(hint) is tuple else "a mapping of keys to values")


@dataclass(frozen=True)
class _Head:
    id: str
    title: Mapping[str, str]
    text: Mapping[str, str]
    category: str
    domain: str
    techniques: tuple[str, ...]
    line: int
    hours: int


def load(path: Path, detector_version: str) -> RuleFile:
    """A file of ``rules/hunts``. Its version is a digest of its text and of the detector's version."""
    text = path.read_text(encoding="utf-8")
    section = parse(path, text)
    heads = {f.name for f in dataclasses.fields(_Head)}
    section.only(heads | {"thresholds", "samples"})
    own = {k: v for k, v in section.values.items() if k in heads}
    head = into(_Head, Section(path, section.line, own, section.lines))
    _check(head, section)
    for key in ("thresholds", "samples"):
        if not isinstance(section.values.get(key), Section):
            raise section.error(f"{key} must be a mapping", key)
    digest = hashlib.sha256(f"{detector_version}\n{text}".encode()).hexdigest()[:16]
    rule = Rule(id=head.id, version=digest, category=head.category, domain=head.domain, techniques=head.techniques,
                line=head.line, title=head.title, text=head.text)  # fmt: skip
    return RuleFile(path, rule, head.hours, section.values["thresholds"], section.values["samples"])


def _check(head: _Head, section: Section) -> None:
    if not _ID.fullmatch(head.id) or head.id != section.path.stem:
        raise section.error(f"id {head.id!r} must be the file's name in lower case", "id")
    if not _CATEGORY.fullmatch(head.category):
        raise section.error(f"category {head.category!r} is not category/sub-category", "category")
    if head.domain not in _DOMAINS:
        raise section.error(f"domain {head.domain!r} is none of {', '.join(_DOMAINS)}", "domain")
    for technique in head.techniques:
        if not _TECHNIQUE.fullmatch(technique):
            raise section.error(f"{technique!r} is not an ATT&CK technique", "techniques")
    if not 0 <= head.line <= 6:
        raise section.error("line is a severity from 0 to 6", "line")
    if not 0 <= head.hours <= 24 * 31:
        raise section.error("hours is between 0 and 744", "hours")
    for key, texts in (("title", head.title), ("text", head.text)):
        if set(texts) != set(LANGUAGES):
            raise section.error(f"{key} needs exactly the languages {', '.join(LANGUAGES)}", key)
