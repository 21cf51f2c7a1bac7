import type { ReactNode } from "react";
import type { AlertChart } from "../api/types";
import { useSpeech } from "../i18n";
import { number } from "../lib/format";
import { Chart } from "./Chart";
import { axis, tooltip, useLook } from "./look";

const SILENT = new Set(["S0", "REJ", "RSTOS0", "RSTRH", "SH", "SHR", "OTH", "RSTR"]);
const value = (ip: string): number => ip.split(".").reduce((n, part) => n * 256 + Number(part), 0);
const byAddress = (a: string, b: string): number => value(a) - value(b) || (a < b ? -1 : 1);

/** Which port of which host: filled where something answered. */
export function Targets({ data }: { data: AlertChart }): ReactNode {
  const { t, lang } = useSpeech();
  const look = useLook();
  const hosts = [...new Set(data.targets.map((x) => x.ip))].sort(byAddress);
  const ports = new Set(data.targets.map((x) => x.port));
  const words = { hosts: number(hosts.length, lang), ports: number(ports.size, lang), n: number(data.total, lang) };
  const points = (answered: boolean): object[] => data.targets.filter((x) => SILENT.has(x.state) !== answered)
    .map((x) => ({ value: [x.port, x.ip], name: `${x.ip}:${x.port}\n${x.state} ×${x.count}`, symbolSize: Math.min(14, 5 + Math.log2(Math.max(1, x.count)) * 1.5) }));
  const few = ports.size <= 12;
  return (
    <>
      <p className="muted small">{t("chart.targets.note", words)}
        <span className="dot filled" aria-hidden="true" /> {t("chart.answered")}<span className="dot" aria-hidden="true" /> {t("chart.refused")}</p>
      <Chart label={t("chart.targets.alt", words)} option={{
        grid: { left: 104, right: 16, top: 12, bottom: 36 },
        xAxis: few ? axis(look, { type: "category", data: [...ports].sort((a, b) => a - b).map(String), name: t("chart.port"), nameLocation: "middle", nameGap: 22 })
          : axis(look, { type: "value", min: 0, name: t("chart.port"), nameLocation: "middle", nameGap: 22 }),
        yAxis: axis(look, { type: "category", data: hosts, inverse: true }),
        tooltip: tooltip(look, { formatter: (p: { name: string }) => p.name }),
        series: [
          { type: "scatter", data: points(false), itemStyle: { color: "transparent", borderColor: look.accentLine, borderWidth: 1.3 } },
          { type: "scatter", data: points(true), itemStyle: { color: look.of("fill4") } },
        ].map((s) => (few ? { ...s, data: (s.data as { value: [number, string] }[]).map((d) => ({ ...d, value: [String(d.value[0]), d.value[1]] })) } : s)),
      }} />
      {data.total > data.targets.length && <p className="muted small">{t("chart.cut", { shown: number(data.targets.length, lang), n: words.n })}</p>}
    </>
  );
}
