import type { ReactNode } from "react";
import { useSpeech } from "../../i18n";
import type { Upload } from "./useUploads";

/** Files on their way, each with a button that stops it. */
export function Uploading({ uploads, cancel }: { uploads: Upload[]; cancel: (id: number) => void }): ReactNode {
  const { t } = useSpeech();
  return uploads.map((u) => (
    <section key={u.id} className="card stack" aria-label={t("analyse.uploading")}>
      <div className="row spread"><strong>{t("analyse.uploading")}</strong><button type="button" className="link" onClick={() => cancel(u.id)}>{t(u.fault ? "act.close" : "act.cancel")}</button></div>
      <ul className="muted">{u.names.map((n, i) => <li key={i} className="mono">{n}</li>)}</ul>
      {u.fault ? <p className="fault" role="alert">{u.fault}</p> : <progress className="bar-progress" value={u.done} max={u.total || 1} aria-label={t("analyse.uploading")} />}
    </section>
  ));
}
