// What the events page asks for; its place is the address bar.

export const KINDS = ["flow", "dns", "http", "tls", "file", "release", "artifact", "scan"] as const;
export type Kind = (typeof KINDS)[number];
export const FIELDS = ["host", "src_ip", "dst_ip", "port", "q", "org", "network", "uid", "from", "to"] as const;
export type Field = (typeof FIELDS)[number];

/** Kinds of what has no two ends: nothing of these can be asked by address. */
const ENDLESS: ReadonlySet<Kind> = new Set(["release", "artifact", "scan"]);
const OF_ENDS: ReadonlySet<Field> = new Set(["host", "src_ip", "dst_ip", "port", "uid"]);
export const asks = (kind: Kind, field: Field): boolean => !(ENDLESS.has(kind) && OF_ENDS.has(field));

export interface EventAsk {
  kind: Kind;
  where: Partial<Record<Field, string>>;
}

export function decode(search: string): EventAsk {
  const params = new URLSearchParams(search);
  const kind = KINDS.find((k) => k === params.get("kind")) ?? "flow";
  const where: EventAsk["where"] = {};
  for (const f of FIELDS) {
    const value = params.get(f);
    if (value && asks(kind, f)) where[f] = value;
  }
  return { kind, where };
}

export function encode(ask: EventAsk): string {
  const params = new URLSearchParams({ kind: ask.kind });
  for (const f of FIELDS) {
    const value = ask.where[f]?.trim();
    if (value && asks(ask.kind, f)) params.set(f, value);
  }
  return `/events?${params.toString()}`;
}
