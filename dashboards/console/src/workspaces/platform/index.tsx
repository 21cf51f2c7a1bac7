import { type ReactNode, useEffect } from "react";
import { useLoad } from "../../api/useLoad";
import type { Stats } from "../../api/types";
import { Pending } from "../../components/States";
import { Time } from "../../components/Show";
import { useSpeech } from "../../i18n";
import { bytes, number, percent } from "../../lib/format";
import { Roles } from "./Roles";
import { Sources } from "./Sources";
import "../../styles/platform.css";

const EVERY = 5000;

export default function Platform(): ReactNode {
  const { t, say, lang } = useSpeech();
  const { data, error, reload } = useLoad<Stats>("/stats");
  useEffect(() => {
    const timer = setInterval(reload, EVERY);
    return () => clearInterval(timer);
  }, [reload]);
  if (!data) return <Pending title={t("status.title")} error={error} retry={reload} />;
  const p = data.pipeline;
  const lag = p.lag.reduce((n, l) => n + l.messages, 0);
  const share = p.disk_limit ? p.disk_used / p.disk_limit : 0;
  return (
    <div className="page">
      <header><h1>{t("status.title")}</h1><span className={`health ${p.problems.length || p.stuck ? "health-bad" : "health-ok"}`}>{t(p.problems.length || p.stuck ? "status.degraded" : "status.ok")}</span></header>
      {error && <p className="fault" role="alert">{t("app.lost")}</p>}
      {p.problems.length > 0 && <div className="card problems" role="alert"><ul>{p.problems.map((text, i) => <li key={i}>{say(text)}</li>)}</ul></div>}
      <div className="grid figures">
        <Figure name={t("status.version")} value={p.version} note={<>{t("status.since")} <Time value={p.started_at} /></>} />
        <Figure name={t("status.asOf")} value={<Time value={data.as_of} />} note={<>{t("status.lastRead")} <Time value={data.events.last_read_at} /></>} />
        <Figure name={t("status.lag")} value={number(lag, lang)} note={t("status.lag.note")} />
        <Figure name={t("status.dead")} value={number(p.dead_letters, lang)} note={t("status.dead.note")} />
        <div className="card figure">
          <span className="muted">{t("status.disk")}</span>
          <strong className="num">{percent(share, lang)}</strong>
          <progress className="bar-progress" max={1} value={Math.min(1, share)} aria-label={t("status.disk")} />
          <span className="muted small">{t("status.disk.note", { used: bytes(p.disk_used, lang), limit: bytes(p.disk_limit, lang) })}</span>
        </div>
      </div>
      <Sources sources={p.sources} />
      <div className="grid two">
        <Roles roles={p.roles} />
        <section className="card">
          <header><h2>{t("status.groups")}</h2><span className="small">{t("status.lag.note")}</span></header>
          <table className="plain">
            <thead><tr><th scope="col">{t("status.group")}</th><th scope="col" className="end">{t("status.messages")}</th></tr></thead>
            <tbody>{p.lag.map((l) => <tr key={l.group}><th scope="row" className="mono">{l.group}</th><td className="end num">{number(l.messages, lang)}</td></tr>)}</tbody>
          </table>
        </section>
      </div>
      <p className="muted small">{t("status.data")} <span className="mono">{p.data}</span></p>
    </div>
  );
}

function Figure(p: { name: string; value: ReactNode; note: ReactNode }): ReactNode {
  return <div className="card figure"><span className="muted">{p.name}</span><strong className="num">{p.value}</strong><span className="muted small">{p.note}</span></div>;
}
