import { type ReactNode, useMemo } from "react";
import type { Stats } from "../api/types";
import { useSpeech } from "../i18n";
import { local, number } from "../lib/format";
import { Chart } from "./Chart";
import { axis, tooltip, useLook } from "./look";

const HOUR = 3_600_000;

export default function HoursBySeverity({ stats, open }: { stats: Stats; open: (severity: number) => void }): ReactNode {
  const { t, word, lang } = useSpeech();
  const look = useLook();
  const rows = stats.alerts.by_hour;
  const { hours, severities, counts, most } = useMemo(() => tally(rows, Date.parse(stats.as_of)), [rows, stats.as_of]);
  return (
    <Chart label={t("overview.byHour.alt", { most: number(most, lang) })} className="chart-box"
      onClick={(e) => {
        const severity = severities[e.seriesIndex];
        if (severity !== undefined) open(severity);
      }}
      option={{
        grid: { left: 40, right: 8, top: 10, bottom: 24 },
        xAxis: axis(look, { type: "category", data: hours.map((h) => local(new Date(h).toISOString())), axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true } }),
        yAxis: axis(look, { type: "value", minInterval: 1 }),
        tooltip: tooltip(look, { trigger: "axis", axisPointer: { type: "shadow" } }),
        series: severities.map((s) => ({ type: "bar", stack: "all", name: word("severity", String(s)), barCategoryGap: "20%", itemStyle: { color: look.fill(s) }, data: counts.get(s) ?? [] })),
      }} />
  );
}

function tally(rows: Stats["alerts"]["by_hour"], now: number): { hours: number[]; severities: number[]; counts: Map<number, number[]>; most: number } {
  const end = Math.floor(now / HOUR) * HOUR;
  const hours = Array.from({ length: 48 }, (_, i) => end - (47 - i) * HOUR);
  const severities = [...new Set(rows.map((r) => r.severity))].sort((a, b) => a - b);
  const counts = new Map(severities.map((s) => [s, hours.map(() => 0)]));
  const totals = hours.map(() => 0);
  for (const r of rows) {
    const at = hours.indexOf(Math.floor(Date.parse(r.hour) / HOUR) * HOUR);
    const list = counts.get(r.severity);
    if (at < 0 || !list) continue;
    list[at] = (list[at] ?? 0) + r.count;
    totals[at] = (totals[at] ?? 0) + r.count;
  }
  return { hours, severities, counts, most: Math.max(0, ...totals) };
}
