import type { Alert, AlertState } from "../../../api/types";

export interface Act {
  state?: Exclude<AlertState, "withdrawn">;
  assignee?: string;
}

/** The acts that bring alerts back to how they were, as few as possible. */
export function backwards(before: Alert[], after: Alert[], act: Act): [Alert[], Act][] {
  const groups = new Map<string, [Alert[], Act]>();
  for (const now of after) {
    const was = before.find((a) => a.id === now.id);
    if (!was) continue;
    const back: Act = {};
    if (act.state) back.state = was.state === "withdrawn" ? "new" : was.state;
    if (act.assignee !== undefined) back.assignee = was.assignee;
    const key = JSON.stringify(back);
    const group = groups.get(key) ?? [[], back];
    group[0].push(now);
    groups.set(key, group);
  }
  return [...groups.values()];
}
