"""What the embedded store holds on to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from fengsui.bus.protocol import Place
from tests.conftest import flows


def test_threads_that_come_and_go_leave_no_connection_behind(make_store):
    store = make_store()
    store.insert("flow", flows(10).rows, Place("t", 0), 0, "t/0")
    got: list[int] = []

    def count() -> None:
        got.append(store.query("SELECT count() AS n FROM flow").column(0)[0].as_py())

    for _ in range(12):
        thread = threading.Thread(target=count)
        thread.start()
        thread.join()
    assert got == [10] * 12
    assert len(store._all) <= 2


def test_threads_at_the_same_time_have_connections_of_their_own(make_store):
    store = make_store()
    together = threading.Barrier(4)

    def ask(n: int) -> tuple[int, object]:
        together.wait()
        for _ in range(5):
            assert store.query("SELECT {n:Int64} AS n", {"n": n}).column(0)[0].as_py() == n
        return n, store._connection()

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, range(4)))
        assert len({id(c) for _, c in answers}) == 4
    assert len(store._all) <= 5
