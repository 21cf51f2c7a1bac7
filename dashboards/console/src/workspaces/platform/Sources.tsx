import type { ReactNode } from "react";
import type { Pipeline } from "../../api/types";
import { Num, Time } from "../../components/Show";
import { useSpeech } from "../../i18n";

export function Sources({ sources }: { sources: Pipeline["sources"] }): ReactNode {
  const { t, say, word } = useSpeech();
  return (
    <section className="card">
      <header><h2>{t("status.sources")}</h2></header>
      {!sources.length ? <p className="muted">{t("status.sources.none")}</p> : (
        <div className="scroll" tabIndex={0} role="group" aria-label={t("status.sources")}>
          <table className="plain">
            <thead><tr><th scope="col">{t("status.folder")}</th><th scope="col">{t("col.org")}</th><th scope="col">{t("col.state")}</th><th scope="col" className="end">{t("status.files")}</th><th scope="col" className="end">{t("status.rows")}</th><th scope="col" className="end">{t("status.ignored")}</th><th scope="col">{t("status.lastRead")}</th></tr></thead>
            <tbody>
              {sources.map((s) => (
                <tr key={`${s.org}/${s.folder}`}>
                  <th scope="row" className="mono">{s.folder}{s.problem && <div className="fault">{say(s.problem)}</div>}</th>
                  <td className="mono">{s.org}</td>
                  <td><span className={`health health-${s.state === "ok" || s.state === "waiting" ? "ok" : "bad"}`}>{word("status.source", s.state)}</span></td>
                  <td className="end"><Num value={s.files} /></td><td className="end"><Num value={s.rows} /></td><td className="end"><Num value={s.ignored} /></td>
                  <td className="nowrap"><Time value={s.last_read_at} seconds /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
