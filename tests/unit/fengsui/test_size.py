"""Sizes grow with the load, and say when one machine is enough."""

from __future__ import annotations

import pytest

from fengsui.cli.size import sized


def test_a_small_load_is_one_process_on_embedded_engines():
    found = sized(500, 30, 3, 1)
    assert (found["mode"], found["partitions"], found["sink_processes"]) == ("embedded", 1, 1)
    assert found["events_kept"] == 500 * 30 * 86_400


def test_twice_the_load_is_twice_the_disk_and_no_fewer_processes():
    one, two = sized(100_000, 90, 3, 100), sized(200_000, 90, 3, 100)
    for name in ("bus_bytes", "store_bytes", "network_bits"):
        assert two[name] == pytest.approx(2 * one[name])
    for name in ("collect", "sink", "detect", "hunt"):
        assert two[f"{name}_processes"] >= one[f"{name}_processes"] >= 2
    assert two["cores"] > one["cores"]


def test_ten_million_events_a_second_need_many_shards():
    assert sized(10e6 / 3, 30, 3, 10_000)["shards"] == 10


@pytest.mark.parametrize("asked", [(0, 1, 1, 1), (1, -1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_what_is_not_positive_is_refused(asked):
    with pytest.raises(ValueError, match="positive"):
        sized(*asked)
