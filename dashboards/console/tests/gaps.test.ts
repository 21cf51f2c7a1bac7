import { expect, test } from "vitest";
import { gapsOf, histogram, median } from "../src/charts/gaps";

test("gaps are between one time and the next", () => {
  expect(gapsOf(["2026-11-24T00:00:00.000000Z", "2026-11-24T00:01:00.000000Z", "2026-11-24T00:01:30.500000Z"]).map((g) => g.gap)).toEqual([60, 30.5]);
});
test("one time has no gap", () => expect(gapsOf(["2026-11-24T00:00:00.000000Z"])).toEqual([]));
test("the median of an even number is between the middle two", () => expect(median([4, 1, 3, 2])).toBe(2.5));
test("every gap is in one bin, and one long pause does not flatten the rest", () => {
  const values = [...Array.from({ length: 100 }, (_, i) => 58 + (i % 5)), 90000];
  const bins = histogram(values, 10);
  expect(bins.reduce((n, b) => n + b.count, 0)).toBe(values.length);
  expect(bins.filter((b) => b.count > 0).length).toBeGreaterThan(3);
});
test("equal gaps make a histogram too", () => expect(histogram([60, 60, 60], 5).reduce((n, b) => n + b.count, 0)).toBe(3));
