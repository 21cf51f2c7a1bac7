import { expect, test } from "vitest";
import { spread, timeOf } from "../src/workspaces/analyst/detail/explain";

test("plain values are lines, small objects of numbers are one line, lists of objects are tables", () => {
  const out = spread({ score: 0.9, src: "10.0.0.5", ports: [80, 443], intervals: { q1: 1, q2: 2 }, parts: [{ a: 1 }, { a: 2, b: "x" }] });
  expect(out.values).toEqual([{ path: ["score"], value: 0.9 }, { path: ["src"], value: "10.0.0.5" }, { path: ["ports"], value: [80, 443] }]);
  expect(out.groups).toEqual([{ path: ["intervals"], parts: [["q1", 1], ["q2", 2]] }]);
  expect(out.tables).toEqual([{ path: ["parts"], columns: ["a", "b"], rows: [{ a: 1 }, { a: 2, b: "x" }] }]);
});
test("whatever a rule says is shown, however deep", () => {
  const out = spread({ a: { b: { c: { d: [1, { e: null }] } } }, empty: {}, none: null, list: [] });
  expect(out.values.map((v) => v.path.join("."))).toEqual(["none", "list", "a.b.c.d"]);
});
test("scores come before figures, figures before words", () => {
  expect(spread({ dst: "a", connections: 5, score: 0.5, ports: [1] }).values.map((v) => v.path[0])).toEqual(["score", "connections", "dst", "ports"]);
});
test("a lone part says only what the whole has not said", () => {
  const out = spread({ src: "10.0.0.5", tried: 800, parts: [{ src: "10.0.0.5", tried: 700 }] });
  expect(out.values.map((v) => [v.path.join("."), v.value])).toEqual([["tried", 800], ["src", "10.0.0.5"]]);
  expect(out.groups).toEqual([{ path: ["parts"], parts: [["tried", 700]] }]);
});
test("times are told by their size, and no number can break them", () => {
  expect(timeOf("last_seen", 1795562170000000)).toBe(new Date(1795562170000).toISOString());
  expect(timeOf("bars_start", 1795478474)).toBe(new Date(1795478474000).toISOString());
  for (const odd of [Infinity, NaN, -1, 0, 1e300, 1795478474000]) expect(timeOf("bars_start", odd)).toBeNull();
  expect(timeOf("connections", 1795478474)).toBeNull();
});
