import type { ReactNode } from "react";
import { Link } from "wouter";
import { useCalm } from "../../../api/useCalm";
import { useLoad } from "../../../api/useLoad";
import type { Score, ScoreDetail, Situation } from "../../../api/types";
import { Band } from "../../../components/Band";
import { Failed, Pending, Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { link, OPEN } from "../../../lib/filters";
import { fixed, local, number } from "../../../lib/format";
import { Change } from "./Change";
import { CityMap, Legend } from "./CityMap";
import { Parts } from "./Parts";
import { ScoreHead } from "./ScoreHead";

export function Province(): ReactNode {
  const { t, say } = useSpeech();
  const { data, error, reload } = useLoad<Situation>("/situation");
  const detail = useLoad<ScoreDetail>(data ? `/situation/province/${data.province.id}` : null);
  useCalm(() => { reload(); detail.reload(); }, (c) => c.object === "situation");
  if (!data) return <Pending title={t("nav.situation")} error={error} retry={reload} />;
  return (
    <div className="page">
      <header><h1>{say(data.province.name)} · {t("nav.situation")}</h1><span className="muted">{t("overview.lead", { at: local(data.as_of) })}</span></header>
      <div className="grid situation">
        <section className="card map-card" aria-label={t("situation.map")}>
          <CityMap situation={data} />
          <Legend bands={data.bands} />
          <p className="muted small">{t("situation.map.note")}</p>
        </section>
        <div className="stack">
          <ScoreHead score={data.province} />
          <Ranking cities={data.cities} />
        </div>
      </div>
      {detail.data ? <Parts detail={detail.data} /> : detail.error ? <div className="card"><Failed error={detail.error} retry={detail.reload} /></div> : <div className="card"><Skeleton lines={8} /></div>}
      <p className="muted small">{t("situation.weights", { version: data.weights_version })}</p>
    </div>
  );
}

/** The worst first; what cannot be judged last, with what is known all the same. */
function Ranking({ cities }: { cities: Score[] }): ReactNode {
  const { t, say, lang } = useSpeech();
  const sorted = [...cities].sort((a, b) => (b.index ?? -1) - (a.index ?? -1));
  return (
    <section className="card">
      <header><h2>{t("situation.ranking")}</h2></header>
      <table className="plain">
        <thead><tr><th scope="col">{t("facet.city")}</th><th scope="col" className="end">{t("situation.index")}</th><th scope="col">{t("situation.band")}</th><th scope="col" className="end">{t("situation.change")}</th><th scope="col" className="end">{t("situation.coverage")}</th><th scope="col" className="end">{t("situation.alerts")}</th></tr></thead>
        <tbody>
          {sorted.map((c) => (
            <tr key={c.id}>
              <th scope="row"><Link href={`/situation/city/${c.id}`}>{say(c.name)}</Link></th>
              <td className="end num"><strong>{c.index === null ? "–" : fixed(c.index, lang)}</strong></td>
              <td><Band value={c.band} />{c.index === null && c.at_least !== null && <span className="muted small"> {t("situation.atLeast", { n: fixed(c.at_least, lang) })}</span>}</td>
              <td className="end"><Change value={c.change_24h} /></td>
              <td className="end num muted">{c.coverage.reporting}/{c.coverage.registered}</td>
              <td className="end"><Link className="num" href={link({ many: { city: [c.id], state: OPEN } })}>{number(c.alerts, lang)}</Link></td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
