import { lazy, type ReactNode, Suspense } from "react";
import { useLocation } from "wouter";
import type { Stats } from "../../../api/types";
import { useCalm } from "../../../api/useCalm";
import { useLoad } from "../../../api/useLoad";
import { BarList } from "../../../components/BarList";
import { Num, Severity, Subject, Time } from "../../../components/Show";
import { Empty, Pending, Skeleton } from "../../../components/States";
import { useSpeech } from "../../../i18n";
import { link, OPEN } from "../../../lib/filters";
import { local, number, percent } from "../../../lib/format";
import { Figure } from "./Figure";
import "../../../styles/overview.css";

const Hours = lazy(() => import("../../../charts/HoursBySeverity"));

export function Overview(): ReactNode {
  const { t } = useSpeech();
  const { data, error, reload } = useLoad<Stats>("/stats");
  useCalm(reload);
  if (!data) return <Pending title={t("nav.overview")} error={error} retry={reload} />;
  return (
    <div className="page">
      <header><h1>{t("nav.overview")}</h1><span className="muted">{t("overview.lead", { at: local(data.as_of) })}</span></header>
      <Figures stats={data} />
      {data.alerts.total ? <Pictures stats={data} /> : <div className="card"><Empty title={t("overview.none")} lead={t("overview.none.lead")} /></div>}
    </div>
  );
}

function Figures({ stats }: { stats: Stats }): ReactNode {
  const { t, lang } = useSpeech();
  const { alerts, events } = stats;
  const urgent = alerts.by_severity.filter((s) => s.severity >= 4).reduce((n, s) => n + s.count, 0);
  return (
    <div className="grid figures">
      <Figure name={t("overview.open")} value={number(alerts.open, lang)} note={t("overview.open.note")} to={link({ many: { state: OPEN } })} />
      <Figure name={t("overview.urgent")} value={number(urgent, lang)} note={t("overview.urgent.note", { share: percent(alerts.open ? urgent / alerts.open : 0, lang) })} to={link({ one: { severity_min: "4" }, many: { state: OPEN } })} />
      <Figure name={t("overview.total")} value={number(alerts.total, lang)} note={t("overview.total.note")} to={link({})} />
      <Figure name={t("overview.events")} value={number(events.total, lang)} note={t("overview.events.note", { at: events.last_read_at ? local(events.last_read_at) : "–" })} to="/events" />
    </div>
  );
}

function Pictures({ stats }: { stats: Stats }): ReactNode {
  const { t, say, word } = useSpeech();
  const [, go] = useLocation();
  const a = stats.alerts;
  return (
    <>
      <section className="card">
        <header><h2>{t("overview.byHour")}</h2><span className="small">{t("overview.byHour.note")}</span></header>
        <Suspense fallback={<div className="chart-box"><Skeleton lines={6} /></div>}>
          <Hours stats={stats} open={(severity) => go(link({ many: { severity: [String(severity)] }, sort: "-first_seen" }))} />
        </Suspense>
      </section>
      <div className="grid three">
        <section className="card">
          <header><h2>{t("overview.bySeverity")}</h2><span className="small">{t("overview.ofOpen")}</span></header>
          <BarList items={[...a.by_severity].sort((x, y) => y.severity - x.severity).map((s) => ({
            key: String(s.severity), name: <Severity value={s.severity} />, count: s.count, colour: `var(--fill${Math.max(1, s.severity)})`, to: link({ many: { severity: [String(s.severity)], state: OPEN } }),
          }))} />
        </section>
        <section className="card">
          <header><h2>{t("overview.byCity")}</h2><span className="small">{t("overview.ofOpen")}</span></header>
          <BarList items={a.by_city.filter((c) => c.count > 0).sort((x, y) => y.count - x.count).map((c) => ({
            key: c.city, name: say(c.label), count: c.count, colour: `var(--fill${Math.max(1, c.worst ?? 1)})`, note: c.worst === null ? "" : word("severity", String(c.worst)), to: link({ many: { city: [c.city], state: OPEN } }),
          }))} />
        </section>
        <section className="card">
          <header><h2>{t("overview.rules")}</h2><span className="small">{t("overview.ofOpen")}</span></header>
          <BarList items={a.top_rules.map((r) => ({ key: r.rule, name: say(r.title), count: r.count, to: link({ many: { rule: [r.rule], state: OPEN } }) }))} />
        </section>
      </div>
      <div className="grid two">
        <section className="card">
          <header><h2>{t("overview.subjects")}</h2><span className="small">{t("overview.ofOpen")}</span></header>
          <BarList items={a.top_subjects.map((s) => ({
            key: s.subject, name: <Subject value={s.subject} />, count: s.count, colour: `var(--fill${Math.max(1, s.severity)})`, note: word("severity", String(s.severity)), to: link({ one: { subject: s.subject }, many: { state: OPEN } }),
          }))} />
        </section>
        <section className="card">
          <header><h2>{t("overview.kinds")}</h2><span className="small"><Num value={stats.events.total} /> · <Time value={stats.events.last_read_at} /></span></header>
          <BarList items={stats.events.by_kind.filter((k) => k.count > 0).sort((a, b) => b.count - a.count).map((k) => ({ key: k.kind, name: word("events.kind", k.kind), count: k.count, to: `/events?kind=${k.kind}` }))} />
        </section>
      </div>
    </>
  );
}
