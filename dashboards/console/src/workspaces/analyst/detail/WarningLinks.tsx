import type { ReactNode } from "react";
import { Link } from "wouter";
import type { AlertDetail } from "../../../api/types";
import { Level } from "../../../components/Level";
import { useSpeech } from "../../../i18n";

export function WarningLinks({ warnings }: { warnings: AlertDetail["warnings"] }): ReactNode {
  const { t, say, word } = useSpeech();
  if (!warnings.length) return null;
  return (
    <section>
      <h3>{t("detail.warnings")}</h3>
      <ul className="stack">
        {warnings.map((w) => <li key={w.id} className="row"><Level value={w.level} /><Link href={`/warnings/${w.id}`}>{say(w.title)}</Link><span className="muted">{word("warning.state", w.state)}</span></li>)}
      </ul>
    </section>
  );
}
