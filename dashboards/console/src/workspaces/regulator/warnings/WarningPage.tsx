import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { useCalm } from "../../../api/useCalm";
import { useLoad } from "../../../api/useLoad";
import type { Warning } from "../../../api/types";
import { Level } from "../../../components/Level";
import { Safe, Severity, State, Subject, Time } from "../../../components/Show";
import { Pending } from "../../../components/States";
import { Timeline } from "../../../components/Timeline";
import { useSpeech } from "../../../i18n";
import { link } from "../../../lib/filters";
import { ActModal } from "./ActModal";
import { NoticeView } from "./NoticeView";
import { ACTS, type ActName } from "./views";

export function WarningPage({ id }: { id: string }): ReactNode {
  const { t, say, word } = useSpeech();
  const { data: w, error, reload, set } = useLoad<Warning>(`/warnings/${id}`);
  const [act, setAct] = useState<ActName | null>(null);
  useCalm(reload, (c) => c.object === "warning" && c.object_id === id && act === null);
  if (!w) return <Pending title={t("warning.title")} error={error} retry={reload} />;
  return (
    <div className="page">
      <nav className="crumbs" aria-label={t("situation.path")}><Link href="/warnings">{t("warning.title")}</Link></nav>
      <header className="warning-head">
        <Level value={w.level} /><h1><Safe>{say(w.title)}</Safe></h1><span className="tag">{word("warning.state", w.state)}</span>
        <span className="row acts">
          {ACTS.filter((a) => w.actions.includes(a)).map((a, i) => <Button key={a} type={i === 0 ? "primary" : "default"} onClick={() => setAct(a)}>{t(`warning.act.${a}`)}</Button>)}
        </span>
      </header>
      {w.proposal && (
        <section className="card proposal" aria-label={t("warning.proposal")}>
          <h2>{t("warning.proposal")}</h2>
          <p><strong>{w.proposal.level === "none" ? t("warning.proposal.lift") : t("warning.proposal.level", { level: word("level", w.proposal.level) })}</strong> · {say(w.proposal.why)}</p>
        </section>
      )}
      <div className="grid warning-grid">
        <NoticeView notice={w.notice} note={w.state === "draft" ? t("warning.notice.draft") : ""} />
        <div className="stack">
          <Matrix warning={w} />
          <section className="card"><header><h2>{t("warning.record")}</h2></header><Timeline entries={w.record} /></section>
        </div>
      </div>
      <Basis warning={w} />
      {act && <ActModal act={act} warning={w} close={() => setAct(null)} done={(next) => { set(next); setAct(null); }} reload={reload} />}
    </div>
  );
}

function Matrix({ warning: w }: { warning: Warning }): ReactNode {
  const { t, say, word } = useSpeech();
  return (
    <section className="card stack">
      <h2>{t("warning.matrix")}</h2>
      <dl className="matrix">
        <div><dt>{t("warning.importance")}</dt><dd>{word("importance", w.matrix.importance)}</dd></div>
        <span aria-hidden="true">×</span>
        <div><dt>{t("warning.damage")}</dt><dd>{word("warning.damage", w.matrix.damage)}</dd></div>
        <span aria-hidden="true">→</span>
        <div><dt>{t("warning.level")}</dt><dd><Level value={w.matrix.level ?? w.level} /></dd></div>
      </dl>
      <p>{say(w.matrix.why)}</p>
      <p className="muted small">{t("warning.trigger")}: {word("warning.trigger", w.trigger)}{w.subject && <> · <Link href={link({ one: { subject: w.subject } })}><Subject value={w.subject} /></Link></>}</p>
    </section>
  );
}

function Basis({ warning: w }: { warning: Warning }): ReactNode {
  const { t, say } = useSpeech();
  if (!w.basis.length) return null;
  return (
    <section className="card">
      <header><h2>{t("warning.basis")}</h2></header>
      <div className="scroll" tabIndex={0} role="group" aria-label={t("warning.basis")}>
        <table className="plain">
          <thead><tr><th scope="col">{t("col.severity")}</th><th scope="col">{t("col.alert")}</th><th scope="col">{t("col.subject")}</th><th scope="col">{t("col.org")}</th><th scope="col">{t("col.state")}</th><th scope="col">{t("col.last")}</th></tr></thead>
          <tbody>
            {w.basis.map((a) => (
              <tr key={a.id}>
                <td><Severity value={a.severity} /></td>
                <th scope="row"><Link href={link({ many: { org: [a.org] }, alert: a.id })} className="strong">{say(a.title)}</Link><div className="muted small"><Safe>{say(a.summary)}</Safe></div></th>
                <td><Subject value={a.subject} /></td>
                <td><Link href={`/situation/organisation/${encodeURIComponent(a.org)}`}>{say(a.org_name)}</Link></td>
                <td><State value={a.state} /></td>
                <td className="nowrap"><Time value={a.last_seen} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
