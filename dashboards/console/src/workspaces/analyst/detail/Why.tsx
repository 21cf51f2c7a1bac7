import type { ReactNode } from "react";
import type { Json } from "../../../api/types";
import { Time } from "../../../components/Show";
import { useSpeech } from "../../../i18n";
import { visible } from "../../../lib/escape";
import { figure } from "../../../lib/format";
import { SCORES, spread, timeOf } from "./explain";

/** The numbers of an explanation as a table: scores from 0 to 1 with a bar, lists of like things as a table of their own. */
export function Why({ explanation }: { explanation: { [key: string]: Json } }): ReactNode {
  const { t } = useSpeech();
  const { values, groups, tables } = spread(explanation);
  if (!values.length && !groups.length && !tables.length) return null;
  return (
    <section>
      <h3>{t("detail.why")} <span className="muted">{t("detail.why.lead")}</span></h3>
      <table className="plain why">
        <tbody>
          {values.map(({ path, value }) => (
            <tr key={path.join(".")}>
              <th scope="row"><Name path={path} /></th>
              <td><Value name={path.at(-1) ?? ""} value={value} /></td>
            </tr>
          ))}
          {groups.map(({ path, parts }) => (
            <tr key={path.join(".")}>
              <th scope="row"><Name path={path} /></th>
              <td className="pairs">{parts.map(([k, v]) => <span key={k}><span className="muted"><Name path={[k]} /></span> <Value name={k} value={v} /></span>)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {tables.map(({ path, columns, rows }) => (
        <div key={path.join(".")} className="scroll" tabIndex={0} role="group" aria-label={path.join(" ")}>
          <table className="plain why">
            <caption><Name path={path} /></caption>
            <thead><tr>{columns.map((c) => <th key={c} scope="col"><Name path={[c]} /></th>)}</tr></thead>
            <tbody>{rows.map((row, i) => <tr key={i}>{columns.map((c) => <td key={c}><Value name={c} value={row[c] ?? null} /></td>)}</tr>)}</tbody>
          </table>
        </div>
      ))}
    </section>
  );
}

function Name({ path }: { path: string[] }): ReactNode {
  const { word } = useSpeech();
  return path.map((p) => (/^\d+$/.test(p) ? `#${Number(p) + 1}` : word("why", p) === p ? p.replaceAll("_", " ") : word("why", p))).join(" · ");
}

function Value({ name, value }: { name: string; value: Json }): ReactNode {
  const { lang, t } = useSpeech();
  if (typeof value === "number") {
    const time = timeOf(name, value);
    if (time) return <Time value={time} seconds />;
    if (!SCORES.has(name) || value < 0 || value > 1) return <span className="num">{figure(value, lang)}</span>;
    return (
      <span className="score">
        <span className="num">{figure(value, lang)}</span>
        <span className="track" aria-hidden="true"><i style={{ width: `${value * 100}%` }} /></span>
      </span>
    );
  }
  if (typeof value === "boolean") return t(value ? "why.yes" : "why.no");
  if (value === null || value === "") return <span className="muted">–</span>;
  if (Array.isArray(value)) {
    if (name === "bars" && value.every((v) => typeof v === "number")) return <Spark values={value as number[]} />;
    return <span className="mono">{value.map((v) => visible(typeof v === "string" ? v : JSON.stringify(v))).join(", ")}</span>;
  }
  return <span className="mono">{visible(typeof value === "string" ? value : JSON.stringify(value))}</span>;
}

function Spark({ values }: { values: number[] }): ReactNode {
  const { t } = useSpeech();
  const most = Math.max(...values, 1);
  return (
    <svg className="spark" viewBox={`0 0 ${values.length * 6} 24`} role="img" aria-label={t("why.bars.alt", { values: values.join(", ") })} preserveAspectRatio="none">
      {values.map((v, i) => <rect key={i} x={i * 6} width="5" y={24 - (v / most) * 24} height={Math.max((v / most) * 24, v ? 1 : 0)} />)}
    </svg>
  );
}
