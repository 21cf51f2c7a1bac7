// An explanation is whatever its rule says of itself: numbers, words, objects of them, lists of objects.

import type { Json } from "../../../api/types";

/** Names whose values are shares or scores from 0 to 1. */
export const SCORES: ReadonlySet<string> = new Set([
  "score", "ts", "ds", "dur", "hist", "threat", "likeness", "vain", "prevalence", "share", "missing_host", "entropy_share",
]);

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
  return out;
}

function walk(path: string[], value: Json, out: Explained): void {
  if (isObject(value)) {
    const parts = Object.entries(value);
    const plain = parts.every(([key, v]) => !SCORES.has(key) && (typeof v === "number" || typeof v === "string" || typeof v === "boolean"));
    if (path.length && parts.length && parts.length <= 6 && plain) out.groups.push({ path, parts });
    else for (const [key, part] of parts) walk([...path, key], part, out);
  } else if (Array.isArray(value) && value.length > 0 && value.every(isObject)) {
    const rows = value as Record<string, Json>[];
    const columns = [...new Set(rows.flatMap((r) => Object.keys(r)))].filter((c) => rows.every((r) => isFlat(r[c] ?? null)));
    if (rows.length === 1 && rows[0]) walk([...path], rows[0], out);
    else out.tables.push({ path, columns, rows });
  } else {
    out.values.push({ path, value });
  }
}
