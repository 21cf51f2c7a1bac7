import type { ReactNode } from "react";
import { useSpeech } from "../../../i18n";
import { fixed } from "../../../lib/format";

/** A change of an index; up is worse, and said by an arrow too. */
export function Change({ value }: { value: number | null }): ReactNode {
  const { t, lang } = useSpeech();
  if (value === null) return <span className="muted">–</span>;
  const size = fixed(Math.abs(value), lang);
  if (Number(Math.abs(value).toFixed(1)) === 0) return <span className="muted num">±0</span>;
  return <span className={`change num ${value > 0 ? "worse" : "better"}`}><span aria-hidden="true">{value > 0 ? "▲" : "▼"}</span><span className="hidden">{t(value > 0 ? "situation.up" : "situation.down")}</span> {size}</span>;
}
