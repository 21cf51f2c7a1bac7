import type { Analysis } from "../../api/types";

export const STEPS = ["reading", "hunting", "done"] as const;
export type StepState = "past" | "now" | "next" | "failed";

export function isRunning(a: Analysis): boolean {
  return a.state === "waiting" || a.state === "reading" || a.state === "hunting";
}

/** Where an analysis is on its way from reading to done. */
export function steps(a: Analysis): { step: (typeof STEPS)[number]; state: StepState }[] {
  const at = a.state === "waiting" ? 0 : a.state === "failed" ? 0 : STEPS.indexOf(a.state);
  return STEPS.map((step, i) => ({
    step,
    state: a.state === "failed" && i === 0 ? "failed" : a.state === "done" || i < at ? "past" : i === at && a.state !== "failed" ? "now" : "next",
  }));
}
