import type { ReactNode } from "react";
import type { AlertDetail } from "../../../api/types";
import { Num, Safe, Severity, Time } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { number } from "../../../lib/format";

export function Findings({ alert }: { alert: AlertDetail }): ReactNode {
  const { t, say, lang } = useSpeech();
  if (!alert.findings.length) return null;
  return (
    <details className="fold">
      <summary><h3>{t("detail.findings")} <span className="muted num">{number(alert.findings_total, lang)}</span></h3></summary>
      {alert.findings_total > alert.findings.length && <p className="muted small">{t("detail.findings.note", { shown: number(alert.findings.length, lang), n: number(alert.findings_total, lang) })}</p>}
      <ul className="findings">
        {alert.findings.map((f) => (
          <li key={f.id}>
            <Severity value={f.severity} />
            <span><Safe>{say(f.summary)}</Safe>
              <span className="muted small"> <Time value={f.first_seen} /> – <Time value={f.last_seen} /> · <Num value={f.count} /></span>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
