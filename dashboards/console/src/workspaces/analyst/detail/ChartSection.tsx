import { lazy, type ReactNode, Suspense } from "react";
import type { AlertChart } from "../../../api/types";
import { useLoad } from "../../../api/useLoad";
import { Skeleton, useProblemText } from "../../../components/States";
import { useSpeech } from "../../../i18n";

const Charts = lazy(() => import("../../../charts/AlertCharts"));

export function ChartSection({ id }: { id: string }): ReactNode {
  const { t } = useSpeech();
  const problem = useProblemText();
  const { data, error, reload } = useLoad<AlertChart>(`/alerts/${id}/chart`);
  return (
    <section>
      <h3>{t(data?.chart === "targets" ? "detail.chart.targets" : "detail.chart")}</h3>
      {error ? <p className="fault">{problem(error)} <button type="button" className="link" onClick={reload}>{t("state.retry")}</button></p>
        : data ? <Suspense fallback={<div className="chart-box"><Skeleton lines={6} /></div>}><Charts data={data} /></Suspense>
        : <div className="chart-box"><Skeleton lines={6} /></div>}
    </section>
  );
}
