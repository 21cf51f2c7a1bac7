import type { WarningState } from "../../../api/types";

/** What the list can show, and the states that each view asks for. */
export const STATES = {
  open: ["draft", "issued", "adjusted"], draft: ["draft"], issued: ["issued"], adjusted: ["adjusted"], lifted: ["lifted"], dismissed: ["dismissed"], all: [],
} as const satisfies Record<string, readonly WarningState[]>;
export type View = keyof typeof STATES;

export const ACTS = ["issue", "adjust", "lift", "edit", "dismiss"] as const;
export type ActName = (typeof ACTS)[number];
