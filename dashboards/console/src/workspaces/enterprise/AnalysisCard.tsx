import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Analysis, AnalysisFile } from "../../api/types";
import { Icon } from "../../components/Icon";
import { Num, Safe, Time } from "../../components/Show";
import { useSpeech } from "../../i18n";
import { link } from "../../lib/filters";
import { bytes, local, number } from "../../lib/format";
import { isRunning, steps } from "./progress";

export function AnalysisCard({ analysis: a }: { analysis: Analysis }): ReactNode {
  const { t, lang } = useSpeech();
  const running = isRunning(a);
  return (
    <article className="card stack" aria-label={a.files.map((f) => f.name).join(", ")}>
      <div className="row spread">
        <span className="muted"><Time value={a.created_at} /> · <Num value={a.rows} /> {t("analyse.rows")}</span>
        <ol className="steps" aria-label={t("analyse.progress")}>
          {steps(a).map(({ step, state }) => (
            <li key={step} className={`step step-${state}`} aria-current={state === "now" ? "step" : undefined}>
              {state === "past" && <Icon name="check" size={12} />}{t(state === "failed" ? "analyse.state.failed" : `analyse.state.${step}`)}
            </li>
          ))}
        </ol>
      </div>
      {running && <progress className="bar-progress" aria-label={t("analyse.progress")} max={a.total_bytes || 1} {...(a.state === "hunting" ? {} : { value: a.done_bytes })} />}
      <ul className="files">{a.files.map((f, i) => <FileLine key={i} file={f} />)}</ul>
      {!running && a.state !== "failed" && (
        <div className="row">
          <Link className="result" href={link({ one: { network: a.network } })}>
            {a.alerts ? t("analyse.alerts", { n: number(a.alerts, lang) }) : t("analyse.alerts.none")}<Icon name="right" size={14} />
          </Link>
          {a.below > 0 && <Link className="muted small" href={link({ one: { network: a.network }, below: true })}>{t("analyse.below", { n: number(a.below, lang) })}</Link>}
          <Link className="muted small" href={`/events?kind=flow&network=${encodeURIComponent(a.network)}`}>{t("analyse.events")}</Link>
        </div>
      )}
      <span className="hidden" role="status">{running ? `${t(a.state === "hunting" ? "analyse.state.hunting" : "analyse.state.reading")} ${bytes(a.done_bytes, lang)}` : ""}</span>
    </article>
  );
}

function FileLine({ file: f }: { file: AnalysisFile }): ReactNode {
  const { t, lang, word } = useSpeech();
  return (
    <li>
      <span className="row">
        <Icon name="file" /><span className="mono"><Safe>{f.name}</Safe></span><span className="muted small">{bytes(f.bytes, lang)}</span>
        <span className={`file-state file-${f.state}`}>{word("analyse.file", f.state)}</span>
        {f.rows > 0 && <span className="muted small">{number(f.rows, lang)} {t("analyse.rows")}</span>}
        {f.already > 0 && <span className="muted small">{f.read_at && f.already >= f.rows ? t("analyse.already", { at: local(f.read_at) }) : t("analyse.already.some", { n: number(f.already, lang) })}</span>}
      </span>
      {f.faults.length > 0 && <ul className="faults">
        {f.faults.map((fault, i) => <li key={i}><Safe>{fault}</Safe></li>)}
        {f.more_faults > 0 && <li>{t("analyse.faults.more", { n: number(f.more_faults, lang) })}</li>}
      </ul>}
    </li>
  );
}
