import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Score, ScoreDetail } from "../../../api/types";
import { Band } from "../../../components/Band";
import { useSpeech } from "../../../i18n";
import { link, OPEN } from "../../../lib/filters";
import { fixed, number, percent } from "../../../lib/format";
import { Change } from "./Change";

/** The index in large, what it rests on, and where it comes from by dimension. */
export function ScoreHead({ score: s, peers }: { score: Score; peers?: ScoreDetail["peers"] | undefined }): ReactNode {
  const { t, say, lang } = useSpeech();
  const where = s.scope === "organisation" ? { org: [s.id] } : s.scope === "city" ? { city: [s.id] } : {};
  const filter = link({ many: { ...where, state: OPEN } });
  return (
    <section className={`card score-head edge-${s.band}`} aria-label={t("situation.index")}>
      <div className="score-value">
        <span className="muted">{t("situation.index")} <span className="small">{t("situation.scale")}</span></span>
        <strong className="num">{s.index === null ? "–" : fixed(s.index, lang)}</strong>
        <span className="row"><Band value={s.band} />{s.change_24h !== null && <span className="muted small"><Change value={s.change_24h} /> {t("situation.change")}</span>}</span>
      </div>
      <dl className="score-facts">
        <dt>{t("situation.coverage")}</dt>
        <dd>{t(s.scope === "organisation" ? "situation.coverage.hours" : "situation.coverage.orgs", { n: s.coverage.reporting, all: s.coverage.registered })} <span className="muted">({percent(s.coverage.share, lang)})</span></dd>
        <dt>{t("situation.alerts")}</dt><dd><Link href={filter} className="num">{number(s.alerts, lang)}</Link></dd>
        {typeof peers?.z === "number" && <><dt>{t("situation.peers")}</dt><dd title={t("situation.peers.title")}>{t("situation.peers.value", { z: fixed(peers.z, lang), n: Number(peers.organisations) })}</dd></>}
        {s.worst && <><dt>{t("situation.worst")}</dt><dd><Link href={`/situation/organisation/${encodeURIComponent(s.worst.id)}`}>{say(s.worst.name)}</Link> <span className="num">{fixed(s.worst.index, lang)}</span></dd></>}
      </dl>
      {s.index === null && <p className="insufficient">{t("situation.insufficient")} {s.at_least !== null && t("situation.atLeast.lead", { n: fixed(s.at_least, lang) })}</p>}
      <ul className="dimensions" aria-label={t("situation.dimensions")}>
        {s.dimensions.map((d) => (
          <li key={d.dimension}>
            <span>{say(d.label)}</span>
            {d.score === null ? <span className="muted small">{t("situation.noSource")}</span> : <><span className="track" aria-hidden="true"><i style={{ width: `${d.score}%` }} /></span><span className="num">{fixed(d.score, lang)}</span></>}
            <span className="muted small num">{t("situation.weight")} {percent(d.weight, lang)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
