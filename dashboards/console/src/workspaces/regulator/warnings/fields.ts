import type { NoticeField, WarningLevel } from "../../../api/types";
import { en } from "../../../i18n/en";
import { zh } from "../../../i18n/zh";

export type NoticeLang = "en" | "zh";
export const FIELDS: readonly NoticeField[] = ["category", "level", "start_time", "scope", "matters", "measures", "issuer"];
/** What a person may put into words of their own. */
export const EDITABLE = ["matters", "measures", "scope"] as const;
export const LEVELS: readonly WarningLevel[] = ["red", "orange", "yellow", "blue"];

/** A notice has the names of its fields in its own language. */
export function fieldName(field: NoticeField, lang: NoticeLang): string {
  return (lang === "zh" ? zh : en)[`field.${field}`];
}

export function levelIn(level: WarningLevel, lang: NoticeLang): string {
  return (lang === "zh" ? zh : en)[`level.${level}`];
}
