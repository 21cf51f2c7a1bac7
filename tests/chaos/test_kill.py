"""A few kills of each role; ``make chaos`` does many. FENGSUI_CHAOS_KILLS says how many."""

from __future__ import annotations

import os
from pathlib import Path

from tests.chaos import serve
from tests.chaos.kill import ROLES, kill

KILLS = int(os.environ.get("FENGSUI_CHAOS_KILLS", "3"))


def test_every_role_killed_at_random_moments_loses_nothing_and_doubles_nothing(tmp_path: Path):
    table = kill(tmp_path, KILLS, 1)
    assert [(role, hits) for role, hits, _ in table] == [(role, KILLS) for role in ROLES]
    assert [role for role, _, good in table if not good] == []


def test_the_platform_killed_at_random_moments_goes_on_where_it_was_and_keeps_what_people_did(tmp_path: Path):
    assert serve.run(tmp_path, max(3, KILLS // 2), 1, organisations=2)
