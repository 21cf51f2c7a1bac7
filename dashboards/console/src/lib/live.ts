// How changes reach a list that somebody is reading: rows never move and never vanish by themselves.

import type { Alert } from "../api/types";
import { compare, type Filters, matches, type Sort } from "./filters";

export interface Row {
  alert: Alert;
  /** Sequence of a live change that has not been looked at; 0 if none. */
  fresh: number;
  /** It no longer belongs to what is asked for, and stays until the list is brought up to date. */
  gone: boolean;
}
export interface List {
  rows: Row[];
  /** New alerts that wait for the reader, by id. */
  pending: Map<string, Alert>;
  next: string | null;
}
export interface Ask {
  filters: Filters;
  sort: Sort;
}

export const EMPTY: List = { rows: [], pending: new Map(), next: null };

const row = (alert: Alert, fresh = 0): Row => ({ alert, fresh, gone: false });

/** A page from the server, put after what is there; what has been shown before is not shown twice. */
export function append(list: List, items: Alert[], next: string | null): List {
  const shown = new Set(list.rows.map((r) => r.alert.id));
  const pending = new Map(list.pending);
  for (const a of items) pending.delete(a.id);
  return { rows: [...list.rows, ...items.filter((a) => !shown.has(a.id)).map((a) => row(a))], pending, next };
}

/** A change from the stream or of our own making. Rows that are shown change in place, new ones wait. */
export function merge(list: List, alert: Alert, ask: Ask, fresh = 0): List {
  const at = list.rows.findIndex((r) => r.alert.id === alert.id);
  const belongs = matches(ask.filters, alert);
  if (at >= 0) return replaced(list, at, alert, fresh, !belongs);
  const old = list.pending.get(alert.id);
  if (old && old.changed > alert.changed) return list;
  if (!old && (!belongs || isFurtherDown(list, alert, ask))) return list;
  const pending = new Map(list.pending);
  if (belongs) pending.set(alert.id, alert);
  else pending.delete(alert.id);
  return { ...list, pending };
}

/** Its place is behind what is loaded: its page brings it. */
function isFurtherDown(list: List, alert: Alert, ask: Ask): boolean {
  const last = list.rows.at(-1);
  return list.next !== null && last !== undefined && compare(ask.sort)(alert, last.alert) > 0;
}

function replaced(list: List, at: number, alert: Alert, fresh: number, gone: boolean): List {
  const old = list.rows[at];
  if (!old || old.alert.changed > alert.changed) return list;
  const rows = list.rows.slice();
  rows[at] = { alert, fresh: old.alert.changed === alert.changed ? old.fresh : fresh, gone };
  return { ...list, rows };
}

/** The reader asks for what waits: it is sorted in, what no longer belongs goes. What sorts behind the last row that is
 * loaded comes with its own page later. */
export function insert(list: List, ask: Ask): List {
  const order = compare(ask.sort);
  const kept = list.rows.filter((r) => !r.gone);
  const last = kept.at(-1);
  const arriving = [...list.pending.values()].filter((a) => !list.next || !last || order(a, last.alert) <= 0);
  const rows = [...kept, ...arriving.map((a) => row(a, a.changed))].sort((x, y) => order(x.alert, y.alert));
  return { rows, pending: new Map(), next: list.next };
}

export function seen(list: List, id: string): List {
  const at = list.rows.findIndex((r) => r.alert.id === id);
  const old = list.rows[at];
  if (!old?.fresh) return list;
  const rows = list.rows.slice();
  rows[at] = { ...old, fresh: 0 };
  return { ...list, rows };
}

/** An alert is no longer there: its row stays, marked, where somebody may be reading it. */
export function lose(list: List, id: string): List {
  const pending = new Map(list.pending);
  pending.delete(id);
  return { ...list, rows: list.rows.map((r) => (r.alert.id === id ? { ...r, gone: true } : r)), pending };
}
