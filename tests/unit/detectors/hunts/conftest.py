"""A store in memory for the hunts, and the hunts with the rules that are shipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from detectors.base import WindowHunt
from detectors.hunts import window_hunts
from fengsui.config import Settings
from fengsui.store.chdb import ChdbStore
from tests.unit.detectors.hunts.bench import RULES, Bench


@pytest.fixture(scope="module")
def memory() -> Iterator[ChdbStore]:
    store = ChdbStore(None)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def bench(memory: ChdbStore) -> Bench:
    return Bench(memory)


@pytest.fixture(scope="session")
def hunt() -> Callable[[str], WindowHunt]:
    """The hunt of a name, with the rules that are shipped."""
    by_name = {h.name: h for h in window_hunts(RULES, Settings())}
    return lambda name: by_name[name]
