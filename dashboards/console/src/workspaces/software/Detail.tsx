import { Button, Input, Popconfirm } from "antd";
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { ApiError, send } from "../../api/client";
import type { Appeal, SimilarList, SubmissionDetail } from "../../api/types";
import { useLoad } from "../../api/useLoad";
import { usePoll } from "../../api/usePoll";
import { Icon } from "../../components/Icon";
import { Num, Safe, Time } from "../../components/Show";
import { Failed, Skeleton, useProblemText } from "../../components/States";
import { useSpeech } from "../../i18n";
import { bytes, local, number } from "../../lib/format";
import { atWork, Mark } from "./Mark";

const POLL = 1500;

export function Detail({ id }: { id: string }): ReactNode {
  const { t, lang } = useSpeech();
  const { data: s, error, reload, set } = useLoad<SubmissionDetail>(`/submissions/${id}`);
  const running = s ? atWork(s) : false;
  usePoll(running, reload, POLL);
  return (
    <div className="page">
      <Link href="/software" className="row muted"><Icon name="left" size={14} />{t("software.back")}</Link>
      {!s ? (error ? <><h1 className="hidden">{t("software.title")}</h1><Failed error={error} retry={reload} /></> : <Skeleton lines={10} />) : <>
        <header><h1 className="mono"><Safe>{s.name}</Safe></h1><Mark of={s} /></header>
        <section className="card stack" aria-label={t("software.verdict")}>
          {s.exception && <p role="note"><Icon name="flag" /> {t("software.excepted", { at: local(s.exception.expires_at), reason: s.exception.reason })}</p>}
          <dl className="facts">
            {s.probability !== null && <><dt>{t("software.probability")}</dt><dd>{number(s.probability * 100, lang, 1)} %</dd></>}
            <dt>SHA-256</dt><dd className="mono">{s.sha256}</dd>
            <dt>{t("analyse.org")}</dt><dd><Safe>{s.org}</Safe></dd>
            <dt><Time value={s.created_at} /></dt><dd>{s.actor} · {bytes(s.size, lang)}{s.format && ` · ${s.format}`}{s.seconds !== null && ` · ${number(s.seconds, lang, 2)} s`}</dd>
          </dl>
          <Acts submission={s} set={set} />
        </section>
        {s.state === "done" && <Reasons submission={s} />}
        {s.limits.length > 0 && (
          <section className="card stack" aria-label={t("software.limits")}>
            <h2>{t("software.limits")}</h2>
            <ul className="reasons">{s.limits.map((x, i) => <li key={i}><span>{x.text[lang]}</span> <span className="muted mono"><Safe>{x.file}</Safe></span>{x.detail && <code><Safe>{x.detail}</Safe></code>}</li>)}</ul>
          </section>
        )}
        {s.state === "done" && <Alike id={s.id} />}
        <Appeals submission={s} set={set} reload={reload} />
        {s.files.length > 0 && (
          <details className="card">
            <summary>{t("software.files")} · <Num value={s.files.length + s.more_files} /></summary>
            <table className="submissions"><tbody>
              {s.files.map((f, i) => <tr key={i}><td className="mono" style={{ paddingInlineStart: f.depth * 14 }}><Safe>{f.path}</Safe></td><td className="muted">{f.format}</td><td className="muted">{bytes(f.size, lang)}</td></tr>)}
            </tbody></table>
            {s.more_files > 0 && <p className="muted">{t("software.files.more", { n: number(s.more_files, lang) })}</p>}
          </details>
        )}
      </>}
    </div>
  );
}

function Reasons({ submission: s }: { submission: SubmissionDetail }): ReactNode {
  const { t, lang } = useSpeech();
  const shown = s.reasons.filter((r) => r.share > 0);
  return (
    <section className="card stack" aria-label={t("software.reasons")}>
      <h2>{t("software.reasons")}</h2>
      {shown.length === 0 ? <p className="muted">{t("software.reasons.none")}</p> : (
        <ul className="reasons">
          {shown.map((r, i) => (
            <li key={i}>
              <div className="row spread">
                <span>{r.text[lang]}</span>
                <span className="share muted" title={t("software.share.title", { base: number(s.base ?? 0, lang, 1) })}>+{number(r.share, lang, 1)}</span>
              </div>
              <span className="muted mono small"><Safe>{r.file}</Safe>{r.line !== null ? ` · ${t("software.line", { n: r.line })}` : r.offset !== null ? ` · ${t("software.offset", { n: r.offset })}` : ""}</span>
              {r.matched && <code><Safe>{r.matched}</Safe></code>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What resembles it, where anything does. */
function Alike({ id }: { id: string }): ReactNode {
  const { t, lang } = useSpeech();
  const { data } = useLoad<SimilarList>(`/submissions/${id}/similar`);
  if (!data || data.items.length === 0) return null;
  return (
    <section className="card stack" aria-label={t("software.similar")}>
      <h2>{t("software.similar")}</h2>
      <ul className="reasons">{data.items.map((x) => <li key={x.id}><div className="row spread"><Link href={`/software/${x.id}`} className="mono"><Safe>{x.name}</Safe></Link><span className="muted">{t(`software.verdict.${x.verdict}`)} · {number(x.alike * 100, lang, 0)} %</span></div></li>)}</ul>
    </section>
  );
}

type Setter = (s: SubmissionDetail) => void;

/** Runs an act; what was wrong with it is said where it was asked for. */
function useAct(): { busy: boolean; fault: string; run: (act: () => Promise<void>) => void } {
  const text = useProblemText();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const run = (act: () => Promise<void>): void => {
    setBusy(true);
    setFault("");
    act().catch((e: unknown) => {
      if (!(e instanceof ApiError)) throw e;
      setFault(text(e));
    }).finally(() => setBusy(false));
  };
  return { busy, fault, run };
}

function Acts({ submission: s, set }: { submission: SubmissionDetail; set: Setter }): ReactNode {
  const { t, lang } = useSpeech();
  const [, go] = useLocation();
  const [password, setPassword] = useState("");
  const { busy, fault, run } = useAct();
  const rescan = async (): Promise<void> => {
    set(await send<SubmissionDetail>("POST", `/submissions/${s.id}/rescan`, { passwords: password ? [password] : [] }));
    setPassword("");
  };
  const remove = async (): Promise<void> => {
    await send("DELETE", `/submissions/${s.id}`);
    go("/software");
  };
  return (
    <div className="row">
      {s.state === "done" && <>
        {s.limits.some((x) => x.name === "encrypted") && <Input.Password aria-label={t("software.password")} placeholder={t("software.password")} value={password} onChange={(e) => setPassword(e.target.value)} style={{ width: 240 }} autoComplete="off" />}
        <Button loading={busy} onClick={() => run(rescan)}>{t("software.rescan")}</Button>
        {(["html", "pdf", "zip"] as const).map((form) => <Button key={form} type="link" href={`/api/v1/submissions/${s.id}/report?form=${form}&lang=${lang}`} target="_blank" rel="noreferrer">{t(`software.report.${form}`)}</Button>)}
      </>}
      <Popconfirm title={t("software.delete.sure")} onConfirm={() => run(remove)} okText={t("software.delete")} cancelText={t("act.cancel")}>
        <Button danger disabled={busy}>{t("software.delete")}</Button>
      </Popconfirm>
      {fault && <span className="fault" role="alert">{fault}</span>}
    </div>
  );
}

function Appeals({ submission: s, set, reload }: { submission: SubmissionDetail; set: Setter; reload: () => void }): ReactNode {
  const { t } = useSpeech();
  const [words, setWords] = useState("");
  const { busy, fault, run } = useAct();
  if (s.state !== "done") return null;
  const open = s.appeals.some((a) => a.state === "open");
  const appeal = async (): Promise<void> => {
    set(await send<SubmissionDetail>("POST", `/submissions/${s.id}/appeals`, { reason: words }));
    setWords("");
  };
  return (
    <section className="card stack" aria-label={t("software.appeals")}>
      <h2>{t("software.appeals")}</h2>
      <ul className="reasons">{s.appeals.map((a) => <OneAppeal key={a.id} appeal={a} reload={reload} />)}</ul>
      {!open && <>
        <Input.TextArea aria-label={t("software.appeal.why")} placeholder={t("software.appeal.why")} value={words} onChange={(e) => setWords(e.target.value)} maxLength={2000} autoSize={{ minRows: 2, maxRows: 6 }} />
        <div className="row"><Button disabled={!words.trim()} loading={busy} onClick={() => run(appeal)}>{t("software.appeal.send")}</Button></div>
      </>}
      {fault && <p className="fault" role="alert">{fault}</p>}
    </section>
  );
}

function OneAppeal({ appeal: a, reload }: { appeal: Appeal; reload: () => void }): ReactNode {
  const { t } = useSpeech();
  const [words, setWords] = useState("");
  const { busy, fault, run } = useAct();
  const answer = (state: "upheld" | "rejected") => (): void => run(async () => {
    await send("POST", `/appeals/${a.id}/answer`, { state, answer: words });
    reload();
  });
  return (
    <li className="stack">
      <div className="row spread">
        <span><Safe>{a.reason}</Safe></span>
        <span className="muted">{t(`software.appeal.${a.state}`)} · {a.state === "open" ? t("software.appeal.due", { at: local(a.deadline) }) : <><Safe>{a.answered_by}</Safe> <Time value={a.answered_at} /></>}</span>
      </div>
      {a.answer && <p><Safe>{a.answer}</Safe></p>}
      {a.state === "open" && <div className="row">
        <Input aria-label={t("software.appeal.answer")} placeholder={t("software.appeal.answer")} value={words} onChange={(e) => setWords(e.target.value)} maxLength={2000} style={{ maxWidth: 420 }} />
        <Button disabled={!words.trim() || busy} onClick={answer("upheld")}>{t("software.appeal.uphold")}</Button>
        <Button disabled={!words.trim() || busy} onClick={answer("rejected")}>{t("software.appeal.reject")}</Button>
      </div>}
      {fault && <p className="fault" role="alert">{fault}</p>}
    </li>
  );
}
