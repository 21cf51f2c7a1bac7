// What the events page asks for; its place is the address bar.

export const KINDS = ["flow", "dns", "http", "tls", "file", "release", "artifact", "scan"] as const;
export type Kind = (typeof KINDS)[number];
export const FIELDS = ["host", "src_ip", "dst_ip", "port", "q", "org", "network", "uid", "from", "to"] as const;
export type Field = (typeof FIELDS)[number];

export interface EventAsk {
  kind: Kind;
  where: Partial<Record<Field, string>>;
}

export function decode(search: string): EventAsk {
  const params = new URLSearchParams(search);
  const where: EventAsk["where"] = {};
  for (const f of FIELDS) {
    const value = params.get(f);
    if (value) where[f] = value;
  }
  return { kind: KINDS.find((k) => k === params.get("kind")) ?? "flow", where };
}

export function encode(ask: EventAsk): string {
  const params = new URLSearchParams({ kind: ask.kind });
  for (const f of FIELDS) {
    const value = ask.where[f]?.trim();
    if (value) params.set(f, value);
  }
  return `/events?${params.toString()}`;
}
