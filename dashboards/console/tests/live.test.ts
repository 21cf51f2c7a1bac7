import { describe, expect, test } from "vitest";
import { NO_FILTERS, toggle } from "../src/lib/filters";
import { append, type Ask, EMPTY, insert, type List, lose, merge, seen } from "../src/lib/live";
import { alert } from "./made";

const ask: Ask = { filters: NO_FILTERS, sort: "-severity" };
const open: Ask = { filters: toggle(NO_FILTERS, "state", "new"), sort: "-severity" };
const ids = (list: List): string[] => list.rows.map((r) => r.alert.id);
const three = append(EMPTY, [alert("a", { severity: 5 }), alert("b", { severity: 4 }), alert("c", { severity: 3 })], null);

describe("what is being read", () => {
  test("does not move when a row becomes more severe", () => {
    const list = merge(three, alert("c", { severity: 6, changed: 9 }), ask, 9);
    expect(ids(list)).toEqual(["a", "b", "c"]);
    expect(list.rows[2]).toMatchObject({ fresh: 9, gone: false, alert: { severity: 6 } });
  });
  test("does not vanish when a row no longer fits the filters", () => {
    const list = merge(three, alert("b", { state: "resolved", changed: 9 }), open, 9);
    expect(ids(list)).toEqual(["a", "b", "c"]);
    expect(list.rows[1]?.gone).toBe(true);
  });
  test("does not vanish when the alert itself is gone", () => {
    expect(lose(three, "b").rows[1]).toMatchObject({ gone: true });
  });
  test("is not pushed down by a new alert, which waits", () => {
    const list = merge(three, alert("z", { severity: 6, changed: 9 }), ask, 9);
    expect(ids(list)).toEqual(["a", "b", "c"]);
    expect([...list.pending.keys()]).toEqual(["z"]);
  });
  test("is not changed by an older state that comes late", () => {
    const now = merge(three, alert("a", { count: 7, changed: 9 }), ask, 9);
    expect(merge(now, alert("a", { count: 5, changed: 8 }), ask, 8)).toBe(now);
  });
});

describe("new alerts", () => {
  test("that do not fit the filters do not wait", () => {
    expect(merge(three, alert("z", { state: "resolved", changed: 9 }), open, 9).pending.size).toBe(0);
  });
  test("that stop fitting while they wait wait no more", () => {
    const waiting = merge(three, alert("z", { changed: 9 }), open, 9);
    expect(merge(waiting, alert("z", { state: "resolved", changed: 10 }), open, 10).pending.size).toBe(0);
  });
  test("wait once, with their newest state", () => {
    const list = merge(merge(three, alert("z", { count: 1, changed: 9 }), ask, 9), alert("z", { count: 2, changed: 10 }), ask, 10);
    expect([...list.pending.values()].map((a) => a.count)).toEqual([2]);
  });
  test("are sorted in when they are asked for, and rows that no longer fit go", () => {
    let list = merge(three, alert("z", { severity: 4, last_seen: "2026-11-25T00:00:00.000000Z", changed: 9 }), open, 9);
    list = merge(list, alert("b", { state: "resolved", changed: 10 }), open, 10);
    list = insert(list, open);
    expect(ids(list)).toEqual(["a", "z", "c"]);
    expect(list.pending.size).toBe(0);
    expect(list.rows[1]?.fresh).toBe(9);
  });
  test("behind the last loaded row come with their own page", () => {
    const first = append(EMPTY, [alert("a", { severity: 5 }), alert("b", { severity: 4 })], "cursor");
    let list = merge(first, alert("z", { severity: 6, changed: 8 }), ask, 8);
    list = insert(merge(list, alert("z", { severity: 3, changed: 9 }), ask, 9), ask);
    expect(ids(list)).toEqual(["a", "b"]);
    expect(ids(append(list, [alert("z", { severity: 3, changed: 9 })], null))).toEqual(["a", "b", "z"]);
  });
  test("and old ones that change further down are no news here", () => {
    const first = append(EMPTY, [alert("a", { severity: 5 }), alert("b", { severity: 4 })], "cursor");
    expect(merge(first, alert("z", { severity: 3, count: 8, changed: 9 }), ask, 9).pending.size).toBe(0);
    expect(merge(first, alert("z", { severity: 6, count: 8, changed: 9 }), ask, 9).pending.size).toBe(1);
  });
  test("that a page brings no longer wait, and are not shown twice", () => {
    const waiting = merge(three, alert("z", { changed: 9 }), ask, 9);
    const list = append(waiting, [alert("z", { changed: 9 }), alert("a")], null);
    expect(ids(list)).toEqual(["a", "b", "c", "z"]);
    expect(list.pending.size).toBe(0);
  });
});

test("a change that was looked at is no longer marked", () => {
  const list = merge(three, alert("a", { changed: 9 }), ask, 9);
  expect(list.rows[0]?.fresh).toBe(9);
  expect(seen(list, "a").rows[0]?.fresh).toBe(0);
  expect(seen(three, "a")).toBe(three);
});
test("a page that answers to what was changed here is not marked", () => {
  expect(merge(three, alert("a", { state: "in_progress", changed: 9 }), ask, 0).rows[0]?.fresh).toBe(0);
});
test("the order of arrival does not matter for what is shown in the end", () => {
  const changes = [alert("a", { count: 3, changed: 12 }), alert("z", { severity: 6, changed: 10 }), alert("y", { severity: 1, changed: 11 }), alert("b", { severity: 2, changed: 13 })];
  const end = (order: number[]): string[] => ids(insert(order.reduce((l, i) => merge(l, changes[i] ?? alert("?"), ask, 1), three), ask));
  expect(end([0, 1, 2, 3])).toEqual(end([3, 1, 0, 2]));
  expect(end([0, 1, 2, 3])).toEqual(["z", "c", "a", "b", "y"]);
});
