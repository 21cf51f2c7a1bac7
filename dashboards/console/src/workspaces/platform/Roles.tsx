import type { ReactNode } from "react";
import type { Pipeline } from "../../api/types";
import { useSpeech } from "../../i18n";
import { duration } from "../../lib/format";

export function Roles({ roles }: { roles: Pipeline["roles"] }): ReactNode {
  const { t, say, lang } = useSpeech();
  return (
    <section className="card">
      <header><h2>{t("status.roles")}</h2></header>
      <table className="plain">
        <thead><tr><th scope="col">{t("status.role")}</th><th scope="col">{t("col.state")}</th><th scope="col" className="end">{t("status.idle")}</th></tr></thead>
        <tbody>
          {roles.map((r) => (
            <tr key={r.name}>
              <th scope="row" className="mono">{r.name}{r.problem && <div className="fault">{say(r.problem)}</div>}</th>
              <td><span className={`health health-${r.alive ? "ok" : "bad"}`}>{t(r.alive ? "status.alive" : "status.stuck")}</span></td>
              <td className="end num">{duration(r.idle_s, lang)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
