import type { ReactNode } from "react";
import type { Submission, Verdict } from "../../api/types";
import { Icon, type IconName } from "../../components/Icon";
import { useSpeech } from "../../i18n";

export const VERDICTS: readonly Verdict[] = ["malicious", "suspicious", "incomplete", "clean"];
const ICONS: Record<Verdict, IconName> = { malicious: "close", suspicious: "warnings", incomplete: "file", clean: "check" };

export function atWork(s: Pick<Submission, "state">): boolean {
  return s.state === "waiting" || s.state === "scanning";
}

/** The verdict, or how far it is. */
export function Mark({ of: s }: { of: Pick<Submission, "state" | "verdict"> }): ReactNode {
  const { t } = useSpeech();
  if (s.state !== "done" || !s.verdict) return <span className="muted" role="status">{t(`software.state.${s.state}`)}</span>;
  return <span className={`verdict verdict-${s.verdict}`}><Icon name={ICONS[s.verdict]} size={13} />{t(`software.verdict.${s.verdict}`)}</span>;
}
