import { Input } from "antd";
import { type FormEvent, type ReactNode, useState } from "react";
import { BusyButton } from "../components/BusyButton";
import type { ApiError } from "../api/client";
import { Logo } from "../components/Icon";
import { useProblemText } from "../components/States";
import { useSpeech } from "../i18n";
import type { Mode } from "../theme";
import { LanguageSwitch, ThemeSwitch } from "./Preferences";

export function Login(p: { ended: boolean; mode: Mode; setMode: (m: Mode) => void; enter: (token: string) => Promise<ApiError | null> }): ReactNode {
  const { t } = useSpeech();
  const problem = useProblemText();
  const [token, setToken] = useState("");
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);

  const go = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const error = await p.enter(token.trim());
    setFault(error ? problem(error) : t("login.wrong"));
    setBusy(false);
  };
  return (
    <main className="login">
      <form onSubmit={(e) => void go(e)}>
        <div className="card stack">
          <div className="brand"><Logo size={36} /><span><strong>{t("app.name")}</strong>{" "}<small>{t("app.tagline")}</small></span></div>
          <h1>{t("login.title")}</h1>
          <p className="muted">{p.ended ? t("login.ended") : t("login.lead")}</p>
          <label htmlFor="token">{t("login.token")}</label>
          <Input.Password id="token" size="large" autoFocus autoComplete="current-password" value={token} onChange={(e) => setToken(e.target.value)}
            aria-invalid={fault !== ""} aria-describedby="token-fault" visibilityToggle={false} />
          <p id="token-fault" className="fault" role="alert">{fault}</p>
          <BusyButton type="primary" size="large" htmlType="submit" busy={busy} disabled={!token.trim()}>{t("login.go")}</BusyButton>
        </div>
        <div className="prefs"><LanguageSwitch /><ThemeSwitch mode={p.mode} setMode={p.setMode} /></div>
      </form>
    </main>
  );
}
