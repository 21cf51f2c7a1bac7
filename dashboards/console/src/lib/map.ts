// A map of the cities as paths in a box. Coordinates are a grid of one's own, or degrees.

import type { MapFeature, Ring } from "../api/types";

export interface Shape {
  city: string;
  path: string;
  /** Where its name is put. */
  x: number;
  y: number;
  /** Room for the name, as wide as the shape. */
  width: number;
}
export interface Drawn {
  shapes: Shape[];
  width: number;
  height: number;
}

const PAD = 4;

/** Shapes with north above, fitted into `width`; degrees are narrowed by the cosine of their latitude. */
export function draw(features: readonly MapFeature[], width: number): Drawn {
  const points = features.flatMap((f) => polygons(f).flat(2));
  if (!points.length) return { shapes: [], width, height: 0 };
  const xs = points.map((p) => p[0] ?? 0);
  const ys = points.map((p) => p[1] ?? 0);
  const [left, right, low, high] = [min(xs), max(xs), min(ys), max(ys)];
  const degrees = left > 60 && right < 150 && low > 10 && high < 60;
  const squeeze = degrees ? Math.cos((((low + high) / 2) * Math.PI) / 180) : 1;
  const scale = (width - 2 * PAD) / Math.max(1e-9, (right - left) * squeeze);
  const place = (p: number[]): [number, number] => [PAD + ((p[0] ?? 0) - left) * squeeze * scale, PAD + (high - (p[1] ?? 0)) * scale];
  return {
    shapes: features.map((f) => shape(f, place)), width, height: (high - low) * scale + 2 * PAD,
  };
}

function shape(f: MapFeature, place: (p: number[]) => [number, number]): Shape {
  const rings = polygons(f).map((polygon) => polygon.map((ring) => ring.map(place)));
  const path = rings.flat().map((ring) => `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
  const outer = rings.map((polygon) => polygon[0] ?? []).sort((a, b) => Math.abs(area(b)) - Math.abs(area(a)))[0] ?? [];
  const [x, y] = centre(outer);
  const across = outer.map((p) => p[0]);
  return { city: f.properties.city, path, x, y, width: max(across) - min(across) };
}

function polygons(f: MapFeature): Ring[][] {
  return f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.coordinates;
}

type Points = readonly (readonly [number, number])[];

function area(ring: Points): number {
  return ring.reduce((sum, [x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length] ?? [x, y];
    return sum + (x * ny - nx * y) / 2;
  }, 0);
}

function centre(ring: Points): [number, number] {
  const a = area(ring);
  if (Math.abs(a) < 1e-9) return ring[0] ? [ring[0][0], ring[0][1]] : [0, 0];
  let [cx, cy] = [0, 0];
  ring.forEach(([x, y], i) => {
    const [nx, ny] = ring[(i + 1) % ring.length] ?? [x, y];
    const cross = x * ny - nx * y;
    cx += (x + nx) * cross;
    cy += (y + ny) * cross;
  });
  return [cx / (6 * a), cy / (6 * a)];
}

const min = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
const max = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
