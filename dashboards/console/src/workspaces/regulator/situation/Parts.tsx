import { lazy, type ReactNode, Suspense } from "react";
import type { ScoreDetail } from "../../../api/types";
import { Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { Contributions } from "./Contributions";
import { Members } from "./Members";

const Trend = lazy(() => import("../../../charts/Trend"));

/** What an index was and what it is made of, down to the alerts. */
export function Parts({ detail: d }: { detail: ScoreDetail }): ReactNode {
  const { t, say } = useSpeech();
  return (
    <>
      <section className="card">
        <header><h2>{t("situation.trend")}</h2><span className="small">{t("situation.trend.note")}</span></header>
        {d.trend.length ? <Suspense fallback={<div className="chart-box"><Skeleton lines={6} /></div>}><Trend trend={d.trend} /></Suspense> : <p className="muted">{t("chart.none")}</p>}
      </section>
      {d.members.length > 0 && <Members detail={d} />}
      <Contributions detail={d} />
      <details className="card fold"><summary><h2>{t("situation.formula")}</h2></summary><p className="formula">{say(d.formula)}</p></details>
    </>
  );
}
