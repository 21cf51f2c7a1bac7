import { type ReactNode, useMemo } from "react";
import type { ScoreDetail } from "../api/types";
import { useSpeech } from "../i18n";
import { local, number } from "../lib/format";
import { Chart } from "./Chart";
import { axis, tooltip, useLook } from "./look";

/** The index by hour. Hours with too little data are a gap with a ground of its own, not a zero. */
export default function Trend({ trend }: { trend: ScoreDetail["trend"] }): ReactNode {
  const { t, lang, word } = useSpeech();
  const look = useLook();
  const gaps = useMemo(() => blanks(trend), [trend]);
  const known = trend.filter((p) => p.index !== null);
  const last = known.at(-1)?.index;
  const label = t("situation.trend.alt", { n: known.length, last: last === null || last === undefined ? "–" : number(last, lang, 1), gaps: trend.length - known.length });
  return (
    <Chart label={label} option={{
      grid: { left: 36, right: 12, top: 12, bottom: 24 },
      xAxis: axis(look, { type: "time", splitLine: { show: false }, axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, formatter: (v: number) => local(new Date(v).toISOString()) } }),
      yAxis: axis(look, { type: "value", min: 0, max: 100 }),
      tooltip: tooltip(look, { trigger: "axis", formatter: (ps: { dataIndex: number }[]) => {
        const p = trend[ps[0]?.dataIndex ?? 0];
        return p ? `${local(p.at)}\n${p.index === null ? "" : `${number(p.index, lang, 1)} `}${word("band", p.band)}` : "";
      } }),
      series: [{
        type: "line", showSymbol: false, connectNulls: false, lineStyle: { color: look.accent, width: 2 }, itemStyle: { color: look.accent }, areaStyle: { color: look.accent, opacity: 0.1 },
        data: trend.map((p) => [Date.parse(p.at), p.index]),
        markArea: { silent: true, itemStyle: { color: look.muted, opacity: 0.14 }, data: gaps.map(([from, to]) => [{ xAxis: from }, { xAxis: to }]) },
      }],
    }} />
  );
}

/** From the last hour that is known to the next one. */
function blanks(trend: ScoreDetail["trend"]): [number, number][] {
  const out: [number, number][] = [];
  trend.forEach((p, i) => {
    if (p.index !== null) return;
    const next = Date.parse((trend[i + 1] ?? p).at);
    const last = out.at(-1);
    if (last && trend[i - 1]?.index === null) last[1] = next;
    else out.push([Date.parse((trend[i - 1] ?? p).at), next]);
  });
  return out;
}
