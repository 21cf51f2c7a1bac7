import type { ReactNode } from "react";
import { Link } from "wouter";
import type { ScoreDetail } from "../../../api/types";
import { Band } from "../../../components/Band";
import { useSpeech } from "../../../i18n";
import { fixed, percent } from "../../../lib/format";

/** Whose points add up to the index of an area. */
export function Members({ detail: d }: { detail: ScoreDetail }): ReactNode {
  const { t, say, lang } = useSpeech();
  const sorted = [...d.members].sort((a, b) => b.points - a.points || (b.index ?? -1) - (a.index ?? -1));
  const most = Math.max(1e-9, ...sorted.map((m) => m.points));
  const sum = sorted.reduce((n, m) => n + m.points, 0);
  return (
    <section className="card">
      <header><h2>{t(d.members[0]?.scope === "city" ? "situation.cities" : "situation.organisations")}</h2><span className="small">{t("situation.points.sum", { n: fixed(sum, lang) })}</span></header>
      <table className="plain">
        <thead><tr><th scope="col">{t("situation.name")}</th><th scope="col" className="end">{t("situation.index")}</th><th scope="col">{t("situation.band")}</th><th scope="col" className="end">{t("situation.weight")}</th><th scope="col">{t("situation.points")}</th></tr></thead>
        <tbody>
          {sorted.map((m) => (
            <tr key={`${m.scope}/${m.id}`}>
              <th scope="row"><Link href={`/situation/${m.scope}/${encodeURIComponent(m.id)}`}>{say(m.name)}</Link>{m.floor && <span className="tag" title={t("situation.floor.title")}>{t("situation.floor")}</span>}</th>
              <td className="end num">{m.index === null ? "–" : fixed(m.index, lang)}</td>
              <td><Band value={m.band} /></td>
              <td className="end num muted">{percent(m.weight, lang)}</td>
              <td><Points value={m.points} most={most} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Points({ value, most }: { value: number; most: number }): ReactNode {
  const { lang } = useSpeech();
  return <span className="score"><span className="num">{fixed(value, lang, 2)}</span><span className="track" aria-hidden="true"><i style={{ width: `${(value / most) * 100}%` }} /></span></span>;
}
