import { type ReactNode, useMemo } from "react";
import type { AlertChart } from "../api/types";
import { useSpeech } from "../i18n";
import { duration, local, localSeconds, number, unit } from "../lib/format";
import { Chart } from "./Chart";
import { gapsOf, histogram, median } from "./gaps";
import { axis, type Look, tooltip, useLook } from "./look";
import { Targets } from "./Targets";

export default function AlertCharts({ data }: { data: AlertChart }): ReactNode {
  const { t } = useSpeech();
  if (data.chart === "intervals" && data.times.length > 1) return <Intervals data={data} />;
  if (data.chart === "targets" && data.targets.length) return <Targets data={data} />;
  if (data.chart === "hours" && data.hours.length) return <Hours data={data} />;
  return <p className="muted">{t("chart.none")}</p>;
}

const GRID = { left: 52, right: 12, top: 12, bottom: 24 };

function timeAxis(look: Look): object {
  return axis(look, { type: "time", splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, formatter: (v: number) => local(new Date(v).toISOString()) } });
}

function Intervals({ data }: { data: AlertChart }): ReactNode {
  const { t, lang } = useSpeech();
  const look = useLook();
  const gaps = useMemo(() => gapsOf(data.times), [data.times]);
  const middle = median(gaps.map((g) => g.gap));
  const bins = useMemo(() => histogram(gaps.map((g) => g.gap), 24), [gaps]);
  const n = number(data.total, lang);
  const gap = duration(middle, lang);
  const { size, name } = unit(middle, lang);
  const lengths = axis(look, { type: "value", min: 0, axisLabel: { color: look.muted, fontSize: 11, formatter: (v: number) => `${number(v, lang, 1)} ${name}` } });
  return (
    <>
      <p className="muted small">{t("chart.gaps")} · {t("chart.gaps.note", { n, gap })}</p>
      <Chart label={t("chart.gaps.alt", { n, gap, from: local(data.times[0] ?? ""), to: local(data.times.at(-1) ?? "") })} option={{
        grid: GRID, xAxis: timeAxis(look), yAxis: lengths,
        tooltip: tooltip(look, { formatter: (p: { value: [number, number] }) => `${localSeconds(new Date(p.value[0]).toISOString())}\n${duration(p.value[1] * size, lang)}` }),
        series: [{ type: "scatter", symbolSize: 4, itemStyle: { color: look.accent, opacity: 0.65 }, data: gaps.map((g) => [g.at, g.gap / size]), large: true, largeThreshold: 3000 }],
      }} />
      <p className="muted small">{t("chart.histogram")}</p>
      <Chart className="chart-box low" label={t("chart.gaps.note", { n, gap })} option={{
        grid: GRID, xAxis: axis(look, { type: "category", data: bins.map((b) => duration(b.from, lang)) }), yAxis: axis(look, { type: "value", minInterval: 1 }),
        tooltip: tooltip(look, { formatter: (p: { dataIndex: number; value: number }) => `${duration(bins[p.dataIndex]?.from ?? 0, lang)} – ${duration(bins[p.dataIndex]?.to ?? 0, lang)}\n${number(p.value, lang)}` }),
        series: [{ type: "bar", barCategoryGap: "12%", itemStyle: { color: look.accentLine }, data: bins.map((b) => b.count) }],
      }} />
      {data.total > data.times.length && <p className="muted small">{t("chart.cut", { shown: number(data.times.length, lang), n })}</p>}
    </>
  );
}

function Hours({ data }: { data: AlertChart }): ReactNode {
  const { t, lang } = useSpeech();
  const look = useLook();
  const total = data.counts.reduce((a, b) => a + b, 0);
  return (
    <Chart className="chart-box low" label={t("chart.hours.alt", { n: number(total, lang), hours: data.hours.length })} option={{
      grid: GRID, xAxis: timeAxis(look), yAxis: axis(look, { type: "value", minInterval: 1 }),
      tooltip: tooltip(look, { trigger: "axis" }),
      series: [{ type: "bar", barMaxWidth: 18, barMinHeight: 2, itemStyle: { color: look.accent }, data: data.hours.map((h, i) => [Date.parse(h) + 1_800_000, data.counts[i] ?? 0]) }],
    }} />
  );
}
