import { expect, test } from "vitest";
import type { MapFeature } from "../src/api/types";
import { draw } from "../src/lib/map";

const square = (city: string, x: number, y: number, side = 1): MapFeature => ({
  type: "Feature", properties: { city }, geometry: { type: "Polygon", coordinates: [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]] },
});

test("north is above and everything fits the box", () => {
  const drawn = draw([square("north", 0, 5), square("south", 0, 0)], 300);
  const [north, south] = drawn.shapes;
  expect(north?.y).toBeLessThan(south?.y ?? 0);
  for (const [x, y] of drawn.shapes.flatMap((s) => [...s.path.matchAll(/([\d.-]+) ([\d.-]+)/g)].map((m) => [Number(m[1]), Number(m[2])] as const))) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(drawn.width);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(drawn.height);
  }
});
test("degrees are narrowed by their latitude", () => {
  const grid = draw([square("a", 0, 0)], 100);
  const degrees = draw([square("a", 120, 29)], 100);
  expect(grid.height).toBeCloseTo(100, 0);
  expect(degrees.height).toBeGreaterThan(110);
});
test("an island is named on its largest part", () => {
  const many: MapFeature = { type: "Feature", properties: { city: "zhoushan" }, geometry: { type: "MultiPolygon", coordinates: [[[[9, 0], [9.1, 0], [9.1, 0.1], [9, 0]]], [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]] } };
  expect(draw([many], 91 + 8).shapes[0]?.x).toBeCloseTo(4 + 10, 0);
});
test("no cities make no map", () => expect(draw([], 100)).toEqual({ shapes: [], width: 100, height: 0 }));
