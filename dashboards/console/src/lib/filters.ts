// What the queue is asked for, as a value; its place is the address bar.

import type { Query } from "../api/client";
import type { Alert } from "../api/types";

/** Filters that may have several values, one of which must hold. */
export const MANY = ["state", "severity", "org", "city", "rule", "domain", "assignee"] as const;
/** Filters of one value. */
export const ONE = ["network", "subject", "technique", "q", "from", "to", "severity_min"] as const;
export const SORTS = ["-severity", "severity", "-last_seen", "last_seen", "-first_seen", "first_seen", "-count", "count"] as const;
export const DEFAULT_SORT = "-severity";

export type Many = (typeof MANY)[number];
export type One = (typeof ONE)[number];
export type Sort = (typeof SORTS)[number];

export interface Filters {
  many: Partial<Record<Many, readonly string[]>>;
  one: Partial<Record<One, string>>;
  below: boolean;
}
export interface View {
  filters: Filters;
  sort: Sort;
  alert: string | null;
}

/** States of alerts that somebody still has to deal with. */
export const OPEN: readonly string[] = ["new", "in_progress"];
export const NO_FILTERS: Filters = { many: {}, one: {}, below: false };

export function decode(search: string): View {
  const params = new URLSearchParams(search);
  const many: Filters["many"] = {};
  for (const name of MANY) {
    const values = [...new Set(params.getAll(name))];
    if (values.length) many[name] = values;
  }
  const one: Filters["one"] = {};
  for (const name of ONE) {
    const value = params.get(name);
    if (value) one[name] = value;
  }
  const sort = params.get("sort");
  return {
    filters: { many, one, below: params.get("below") === "true" },
    sort: SORTS.find((s) => s === sort) ?? DEFAULT_SORT,
    alert: params.get("alert"),
  };
}

/** The address of a view; what is left at its default is not written. */
export function encode(view: View): string {
  const params = new URLSearchParams();
  for (const name of MANY) for (const value of view.filters.many[name] ?? []) params.append(name, value);
  for (const name of ONE) {
    const value = view.filters.one[name];
    if (value) params.set(name, value);
  }
  if (view.filters.below) params.set("below", "true");
  if (view.sort !== DEFAULT_SORT) params.set("sort", view.sort);
  if (view.alert) params.set("alert", view.alert);
  return params.toString();
}

export function link(change: { many?: Filters["many"]; one?: Filters["one"]; below?: boolean; alert?: string; sort?: Sort }): string {
  const filters = { many: change.many ?? {}, one: change.one ?? {}, below: change.below ?? false };
  const text = encode({ filters, sort: change.sort ?? DEFAULT_SORT, alert: change.alert ?? null });
  return text ? `/alerts?${text}` : "/alerts";
}

/** The filters as the API takes them. */
export function query(filters: Filters): Query {
  return { ...filters.many, ...filters.one, below: filters.below };
}

export function toggle(filters: Filters, name: Many, value: string): Filters {
  const now = filters.many[name] ?? [];
  const next = now.includes(value) ? now.filter((v) => v !== value) : [...now, value];
  const many = { ...filters.many, [name]: next };
  if (!next.length) delete many[name];
  return { ...filters, many };
}

export function put(filters: Filters, name: One, value: string): Filters {
  const one = { ...filters.one, [name]: value };
  if (!value) delete one[name];
  return { ...filters, one };
}

export function isEmpty(filters: Filters): boolean {
  return !filters.below && !Object.keys(filters.many).length && !Object.keys(filters.one).length;
}

/** Whether an alert belongs to what is shown: the same question that the API answers, for what arrives live. */
export function matches(filters: Filters, a: Alert): boolean {
  if (!a.queued && !filters.below) return false;
  const values: Record<Many, string> = {
    state: a.state, severity: String(a.severity), org: a.org, city: a.city, rule: a.rule, domain: a.domain, assignee: a.assignee,
  };
  for (const name of MANY) {
    const wanted = filters.many[name];
    if (wanted?.length && !wanted.includes(values[name])) return false;
  }
  const { network, subject, technique, q, from, to, severity_min } = filters.one;
  if (network && a.network !== network) return false;
  if (subject && a.subject !== subject) return false;
  if (technique && !a.techniques.includes(technique)) return false;
  if (severity_min && a.severity < Number(severity_min)) return false;
  if (from && Date.parse(a.last_seen) < Date.parse(from)) return false;
  if (to && Date.parse(a.last_seen) >= Date.parse(to)) return false;
  if (!q) return true;
  const needle = q.toLowerCase();
  return [a.subject, a.rule, ...a.related].some((text) => text.toLowerCase().includes(needle));
}

/** The order of the queue, the same as the API's: ties by last sight, then by id. */
export function compare(sort: Sort): (a: Alert, b: Alert) => number {
  const down = sort.startsWith("-");
  const key = down ? sort.slice(1) : sort;
  const value = (a: Alert): number => {
    if (key === "severity") return a.severity;
    if (key === "count") return a.count;
    return Date.parse(key === "first_seen" ? a.first_seen : a.last_seen);
  };
  const sign = down ? -1 : 1;
  return (a, b) =>
    sign * (value(a) - value(b)) || sign * (Date.parse(a.last_seen) - Date.parse(b.last_seen)) || sign * (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
