// An explanation is whatever its rule says of itself: numbers, words, objects of them, lists of objects.

import type { Json } from "../../../api/types";

/** Names whose values are shares or scores from 0 to 1. */
export const SCORES: ReadonlySet<string> = new Set([
  "score", "ts", "ds", "dur", "hist", "threat", "likeness", "vain", "prevalence", "share", "missing_host", "entropy_share",
]);

/** Names whose values are seconds since 1970. Microseconds are known by their size alone. */
const SECONDS: ReadonlySet<string> = new Set(["bars_start", "bars_end"]);

/** The moment that a number means, if it means one. */
export function timeOf(name: string, value: number): string | null {
  if (value > 1e15 && value < 4e15) return new Date(value / 1000).toISOString();
  return SECONDS.has(name) && value > 1e8 && value < 1e10 ? new Date(value * 1000).toISOString() : null;
}

export interface Explained {
  values: { path: string[]; value: Json }[];
  /** Small objects of plain values: one line each. */
  groups: { path: string[]; parts: [string, Json][] }[];
  tables: { path: string[]; columns: string[]; rows: Record<string, Json>[] }[];
}

const isObject = (v: Json): v is { [key: string]: Json } => typeof v === "object" && v !== null && !Array.isArray(v);
const isFlat = (v: Json): boolean => !isObject(v) && !(Array.isArray(v) && v.some((x) => typeof x === "object"));

export function spread(explanation: { [key: string]: Json }): Explained {
  const out: Explained = { values: [], groups: [], tables: [] };
  walk([], explanation, out);
  // Scores first, then figures, then words; each in the order of the rule.
  const rank = (v: { path: string[]; value: Json }): number =>
    v.path.length * 4 + (SCORES.has(v.path.at(-1) ?? "") ? 0 : typeof v.value === "number" ? 1 : Array.isArray(v.value) ? 3 : 2);
  out.values.sort((a, b) => rank(a) - rank(b));
  return out;
}

/** What a lone part says beyond what was said of the whole. */
function beyond(whole: { [key: string]: Json }, part: { [key: string]: Json }): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(part).filter(([k, v]) => JSON.stringify(whole[k]) !== JSON.stringify(v)));
}

function walk(path: string[], value: Json, out: Explained, whole: { [key: string]: Json } = {}): void {
  if (isObject(value)) {
    const parts = Object.entries(value);
    const plain = parts.every(([key, v]) => !SCORES.has(key) && (typeof v === "number" || typeof v === "string" || typeof v === "boolean"));
    if (path.length && parts.length && parts.length <= 6 && plain) out.groups.push({ path, parts });
    else for (const [key, part] of parts) walk([...path, key], part, out, value);
  } else if (Array.isArray(value) && value.length > 0 && value.every(isObject)) {
    const rows = value as Record<string, Json>[];
    const columns = [...new Set(rows.flatMap((r) => Object.keys(r)))].filter((c) => rows.every((r) => isFlat(r[c] ?? null)));
    if (rows.length === 1 && rows[0]) walk(path, beyond(whole, rows[0]), out);
    else out.tables.push({ path, columns, rows });
  } else {
    out.values.push({ path, value });
  }
}
