import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { ScoreDetail } from "../../../api/types";
import { Severity, Subject, Time } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { link } from "../../../lib/filters";
import { number } from "../../../lib/format";
import { Points } from "./Members";

const SHOWN = 20;

/** Every alert with its part of the index; each leads to the alert. */
export function Contributions({ detail: d }: { detail: ScoreDetail }): ReactNode {
  const { t, say, lang } = useSpeech();
  const [all, setAll] = useState(false);
  if (!d.contributions.length) return null;
  const shown = all ? d.contributions : d.contributions.slice(0, SHOWN);
  const most = Math.max(1e-9, ...d.contributions.map((c) => c.points));
  return (
    <section className="card">
      <header><h2>{t("situation.contributions")}</h2><span className="small">{t("situation.contributions.note")}</span></header>
      <div className="scroll" tabIndex={0} role="group" aria-label={t("situation.contributions")}>
        <table className="plain">
          <thead><tr><th scope="col">{t("situation.points")}</th><th scope="col">{t("col.severity")}</th><th scope="col">{t("col.alert")}</th><th scope="col">{t("col.subject")}</th><th scope="col">{t("situation.dimension")}</th><th scope="col">{t("col.last")}</th></tr></thead>
          <tbody>
            {shown.map((c) => (
              <tr key={`${c.alert}/${c.dimension}`}>
                <td><Points value={c.points} most={most} /></td>
                <td><Severity value={c.severity} /></td>
                <td><Link href={link({ many: { org: [c.org] }, alert: c.alert })}>{say(c.title)}</Link></td>
                <td><Subject value={c.subject} /></td>
                <td>{say(d.dimensions.find((x) => x.dimension === c.dimension)?.label) || c.dimension}</td>
                <td className="nowrap"><Time value={c.last_seen} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {d.contributions.length > shown.length && <Button type="text" onClick={() => setAll(true)}>{t("detail.more", { n: number(d.contributions.length - shown.length, lang) })}</Button>}
      {d.rest && d.rest.count > 0 && <p className="muted small">{t("situation.rest", { n: number(d.rest.count, lang), points: number(d.rest.points, lang, 2) })}</p>}
    </section>
  );
}
