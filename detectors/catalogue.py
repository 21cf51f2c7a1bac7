"""All detectors, visible and in order. Nothing loads before :func:`build` is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fengsui.errors import BadRule

if TYPE_CHECKING:
    from detectors.base import BatchDetector, SliceHunt, WindowHunt
    from detectors.intel.table import IndicatorFile
    from detectors.software.released import Internal
    from detectors.software.verdict import Context
    from fengsui.config import Settings
    from fengsui.finding import Rule


@dataclass(frozen=True)
class Catalogue:
    """What runs. ``indicators`` are the lists that the store must hold before the slice hunts run."""

    batch: Sequence[BatchDetector] = ()
    slices: Sequence[SliceHunt] = ()
    windows: Sequence[WindowHunt] = ()
    indicators: Sequence[IndicatorFile] = field(default_factory=tuple)

    def rules(self) -> dict[str, Rule]:
        """Every rule by its id."""
        return {r.id: r for r in self.every_rule()}

    def every_rule(self) -> list[Rule]:
        """The rules in the order of their detectors."""
        from detectors.software.telling import RULE

        found = [r for b in self.batch for r in b.rules]
        found += [r for s in self.slices for r in s.rules]
        return [*found, *(r for w in self.windows for r in w.rules), RULE]


def build(settings: Settings) -> Catalogue:
    """Load every rule. Raises BadRule, or BadSetting for a list of indicators that cannot be read."""
    folder = rules_folder(settings.rules)
    lists = indicator_files(settings.indicators)
    catalogue = Catalogue(
        batch=[*yara_detectors(folder), release_detector(folder, settings)],
        slices=[*sigma_hunts(folder), *intel_hunts(lists)],
        windows=[*hunts(folder, settings), *correlations(folder)],
        indicators=lists,
    )
    twice = [i for i, n in Counter(r.id for r in catalogue.every_rule()).items() if n > 1]
    if twice:
        raise BadRule(folder, f"two rules have the id {twice[0]}")
    return catalogue


def rules_folder(given: Path | None) -> Path:
    """The folder of rules: the one that is set, or the package's. Raises BadRule if it is not there."""
    if given is not None:
        if not given.is_dir():
            raise BadRule(given, "there is no such folder")
        return given
    import fengsui

    package = Path(fengsui.__file__).parent
    return next((p for p in (package / "data" / "rules", package.parent / "rules") if p.is_dir()), package)


def software_context(folder: Path, known_bad: Sequence[Path] = ()) -> Context:
    """What verdicts on software know besides its content, from a folder of rules and lists of hashes. Raises
    BadRule."""
    from detectors.software.known import read_hashes
    from detectors.software.names import read_all
    from detectors.software.verdict import Context

    return Context(known_bad=read_hashes(known_bad), names=read_all(folder / "names"))


def release_detector(folder: Path, settings: Settings) -> BatchDetector:
    """Knows the popular names of ``rules/names`` and what organisations use inside. Raises BadSetting."""
    from detectors.software.names import read_all
    from detectors.software.released import ReleaseDetector

    return ReleaseDetector(read_all(folder / "names"), internal_names(folder, settings))


def internal_names(folder: Path, settings: Settings) -> Internal:
    """What the organisations of the settings use inside."""
    from detectors.software.released import Internal
    from fengsui.registry.organisations import known, read_file

    if settings.organisations is None:
        return Internal()
    return Internal.of({o.id: o.internal for o in read_file(settings.organisations, known(folder))})


def hunts(folder: Path, settings: Settings) -> list[WindowHunt]:
    from detectors.hunts import window_hunts

    return window_hunts(folder, settings)


def sigma_hunts(folder: Path) -> list[SliceHunt]:
    if not (folder / "sigma").is_dir():
        return []
    from detectors.sigma.hunt import SigmaHunt
    from detectors.sigma.loader import load_folder

    return [SigmaHunt(r) for r in load_folder(folder / "sigma")]


def correlations(folder: Path) -> list[WindowHunt]:
    if not (folder / "sigma").is_dir():
        return []
    from detectors.sigma.correlation import CorrelationHunt, load_correlations

    return [CorrelationHunt(c) for c in load_correlations(folder / "sigma")]


def indicator_files(paths: Sequence[Path]) -> list[IndicatorFile]:
    from detectors.intel.table import read

    files = [read(p) for p in paths]
    names = Counter(f.listed.name for f in files)
    for f in files:
        if names[f.listed.name] > 1:
            raise BadRule(f.path, f"two lists of indicators are called {f.listed.name}")
    return files


def intel_hunts(files: Sequence[IndicatorFile]) -> list[SliceHunt]:
    from detectors.intel.hunt import IntelHunt

    return [IntelHunt(f.listed) for f in files]


def yara_detectors(folder: Path) -> list[BatchDetector]:
    if not (folder / "yara").is_dir():
        return []
    from detectors.batch.yara import YaraDetector
    from detectors.batch.yara_rules import YaraSet, read_folder

    sources = read_folder(folder / "yara")
    return [YaraDetector(YaraSet(sources))] if sources else []
