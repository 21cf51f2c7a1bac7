import { expect, test } from "vitest";
import { backwards } from "../src/workspaces/analyst/queue/backwards";
import { alert } from "./made";

test("undoing brings each alert back to its own state, in as few requests as there were states", () => {
  const before = [alert("a", { state: "new" }), alert("b", { state: "in_progress" }), alert("c", { state: "new" })];
  const after = before.map((a) => ({ ...a, state: "resolved" as const, changed: 9 }));
  const acts = backwards(before, after, { state: "resolved" });
  expect(acts.map(([as, act]) => [as.map((a) => a.id).join(), act])).toEqual([["a,c", { state: "new" }], ["b", { state: "in_progress" }]]);
  expect(acts[0]?.[0][0]?.changed).toBe(9);
});
test("undoing an assignment gives it back to who had it", () => {
  const before = [alert("a", { assignee: "wang" })];
  expect(backwards(before, [{ ...alert("a"), assignee: "admin" }], { assignee: "admin" }).map(([, act]) => act)).toEqual([{ assignee: "wang" }]);
});
