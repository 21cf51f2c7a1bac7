// What a person puts into a warning, and what is sent of it. Pure.

import type { Text, Warning, WarningLevel } from "../../../api/types";
import { EDITABLE, levelIn } from "./fields";
import type { ActName } from "./views";

export type Words = Record<(typeof EDITABLE)[number], Text>;
export interface Draft {
  words: Words;
  issuer: Text;
  level: WarningLevel;
  reason: string;
}

const both = (w: Warning, field: keyof Words | "issuer"): Text => ({ en: w.notice.en[field], zh: w.notice.zh[field] });

export function begin(w: Warning): Draft {
  const proposed = w.proposal && w.proposal.level !== "none" ? w.proposal.level : w.level;
  return {
    words: { matters: both(w, "matters"), measures: both(w, "measures"), scope: both(w, "scope") },
    issuer: both(w, "issuer"), level: proposed, reason: "",
  };
}

const differs = (a: Text, b: Text): boolean => a.en.trim() !== b.en.trim() || a.zh.trim() !== b.zh.trim();
const trimmed = (a: Text): Text => ({ en: a.en.trim(), zh: a.zh.trim() });

/** The request: words that were left as they are stay the platform's, and follow it. */
export function body(act: ActName, draft: Draft, w: Warning): object {
  const seen = { changed: w.changed };
  if (act === "lift" || act === "dismiss") return { reason: draft.reason.trim(), ...seen };
  const before = begin(w);
  const words: Partial<Words> = {};
  for (const field of EDITABLE) if (differs(draft.words[field], before.words[field])) words[field] = trimmed(draft.words[field]);
  if (act === "edit") return { ...words, ...seen };
  const issuer = draft.issuer.en.trim() && draft.issuer.zh.trim() ? { issuer: trimmed(draft.issuer) } : {};
  const adjust = act === "adjust" ? { level: draft.level, reason: draft.reason.trim() } : {};
  return { ...words, ...issuer, ...adjust, ...seen };
}

export function isComplete(act: ActName, draft: Draft): boolean {
  const needsReason = act === "adjust" || act === "lift" || act === "dismiss";
  const halfIssuer = (draft.issuer.en.trim() === "") !== (draft.issuer.zh.trim() === "");
  return (!needsReason || draft.reason.trim() !== "") && !halfIssuer;
}

/** The notice with these words in it; `issuer` stands for the one that the server puts in. */
export function preview(act: ActName, draft: Draft, w: Warning, issuer: Text): Warning["notice"] {
  const one = (lang: "en" | "zh"): Warning["notice"]["en"] => {
    const n = w.notice[lang];
    return {
      ...n, matters: draft.words.matters[lang].trim() || n.matters, measures: draft.words.measures[lang].trim() || n.measures,
      scope: draft.words.scope[lang].trim() || n.scope, issuer: draft.issuer[lang].trim() || n.issuer || issuer[lang],
      level: act === "adjust" && draft.level !== w.level ? levelIn(draft.level, lang) : n.level,
    };
  };
  return { en: one("en"), zh: one("zh") };
}
