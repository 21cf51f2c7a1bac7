import type { Alert } from "../src/api/types";

export function alert(id: string, given: Partial<Alert> = {}): Alert {
  return {
    id, org: "made-org", org_name: { en: "Made", zh: "虚构" }, city: "hangzhou", network: "lan", rule: "beacon", title: { en: "Beacon", zh: "信标外联" }, subject: `host:10.0.0.${id}`,
    related: [], severity: 3, confidence: 80, queued: true, category: "malware/botnet", category_name: { en: "Botnet", zh: "僵尸网络" }, domain: "network", techniques: [],
    summary: { en: "", zh: "" }, first_seen: "2026-11-24T00:00:00.000000Z", last_seen: "2026-11-24T00:00:00.000000Z", count: 1, state: "new", assignee: "", changed: 1, ...given,
  };
}
