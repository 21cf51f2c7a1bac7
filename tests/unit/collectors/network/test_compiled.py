"""Compiled code is found again on disk, and never outlives the source that it was made from."""

from __future__ import annotations

import re
from pathlib import Path

from collectors.network import compiled, flows, headers, runs, walk
from collectors.network.warm import warm

FOLDER = Path(compiled.__file__).parent


def test_every_module_with_compiled_functions_is_in_the_stamp() -> None:
    uses = {p.stem for p in FOLDER.glob("*.py") if re.search(r"^@compiled\(", p.read_text(), re.M)}
    assert uses
    assert uses <= set(compiled.MODULES)


def test_the_cache_of_each_function_depends_on_all_modules() -> None:
    for function in (flows.track, headers.parse, runs.join, walk.pcap):
        assert function._cache._cache_file._source_stamp[1] == compiled.STAMP


def test_setting_up_compiles_and_says_so() -> None:
    said: list[str] = []
    assert warm(said.append) >= 0
    assert len(said) == 2
    for function in (flows.track, flows.drain, headers.parse, runs.join, runs.gather, walk.pcap, walk.pcapng):
        assert len(function.signatures) == 1, function
