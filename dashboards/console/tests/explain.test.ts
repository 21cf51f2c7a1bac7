import { expect, test } from "vitest";
import { spread } from "../src/workspaces/analyst/detail/explain";

test("plain values are lines, small objects of numbers are one line, lists of objects are tables", () => {
  const out = spread({ score: 0.9, src: "10.0.0.5", ports: [80, 443], intervals: { q1: 1, q2: 2 }, parts: [{ a: 1 }, { a: 2, b: "x" }] });
  expect(out.values).toEqual([{ path: ["score"], value: 0.9 }, { path: ["src"], value: "10.0.0.5" }, { path: ["ports"], value: [80, 443] }]);
  expect(out.groups).toEqual([{ path: ["intervals"], parts: [["q1", 1], ["q2", 2]] }]);
  expect(out.tables).toEqual([{ path: ["parts"], columns: ["a", "b"], rows: [{ a: 1 }, { a: 2, b: "x" }] }]);
});
test("whatever a rule says is shown, however deep", () => {
  const out = spread({ a: { b: { c: { d: [1, { e: null }] } } }, empty: {}, none: null, list: [] });
  expect(out.values.map((v) => v.path.join("."))).toEqual(["a.b.c.d", "none", "list"]);
});
