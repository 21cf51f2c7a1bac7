import { ConfigProvider } from "antd";
import enUS from "antd/es/locale/en_US";
import zhCN from "antd/es/locale/zh_CN";
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { Redirect, Route, Switch } from "wouter";
import { ApiError, get, onUnauthorised, send } from "./api/client";
import { close, open } from "./api/stream";
import type { Session } from "./api/types";
import { Boundary, Crashed, Pending } from "./components/States";
import { Toasts } from "./components/toast";
import { useSpeech } from "./i18n";
import { Login } from "./layout/Login";
import { Missing } from "./layout/Missing";
import { Shell } from "./layout/Shell";
import { SessionContext } from "./session";
import { antdTheme, initialMode, keepMode, type Mode, showMode } from "./theme";

const Analyst = lazy(() => import("./workspaces/analyst"));
const Enterprise = lazy(() => import("./workspaces/enterprise"));
const Software = lazy(() => import("./workspaces/software"));
const Regulator = lazy(() => import("./workspaces/regulator"));
const Platform = lazy(() => import("./workspaces/platform"));

type Entry = { at: "asking" } | { at: "out"; ended: boolean } | { at: "failed"; error: ApiError } | { at: "in"; session: Session };

/** The start address carries the token once; it is taken out of the address bar before anything else happens. */
function takeToken(): string | null {
  const params = new URLSearchParams(location.search);
  const token = params.get("token");
  if (token === null) return null;
  params.delete("token");
  const rest = params.toString();
  history.replaceState(null, "", location.pathname + (rest ? `?${rest}` : "") + location.hash);
  return token;
}
const START_TOKEN = takeToken();

async function enter(token: string | null): Promise<Entry> {
  try {
    if (token) await send("POST", "/session", { token });
    return { at: "in", session: await get<Session>("/session") };
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    return e.status === 401 ? { at: "out", ended: false } : { at: "failed", error: e };
  }
}

export function App(): ReactNode {
  const { lang, t } = useSpeech();
  const [mode, keep] = useState<Mode>(initialMode);
  const [entry, setEntry] = useState<Entry>({ at: "asking" });

  const setMode = useCallback((next: Mode) => {
    showMode(next);
    keepMode(next);
    keep(next);
  }, []);
  useEffect(() => {
    onUnauthorised(() => setEntry({ at: "out", ended: true }));
    void enter(START_TOKEN).then(setEntry);
  }, []);
  const inside = entry.at === "in";
  useEffect(() => {
    if (!inside) return;
    open();
    return close;
  }, [inside]);

  const leave = useCallback(() => {
    void send("DELETE", "/session").finally(() => setEntry({ at: "out", ended: false }));
  }, []);
  const here = useMemo(() => (entry.at === "in" ? { session: entry.session, mode, setMode, leave } : null), [entry, mode, setMode, leave]);

  return (
    <ConfigProvider theme={antdTheme(mode)} locale={lang === "zh" ? zhCN : enUS} button={{ autoInsertSpace: false }}>
      {entry.at === "asking" && <main><Pending /></main>}
      {entry.at === "failed" && <main><Pending title={t("app.name")} error={entry.error} retry={() => void enter(null).then(setEntry)} /></main>}
      {entry.at === "out" && <Login ended={entry.ended} mode={mode} setMode={setMode} enter={async (token) => {
        const next = await enter(token);
        if (next.at === "in") setEntry(next);
        return next.at === "failed" ? next.error : null;
      }} />}
      {here && <SessionContext value={here}><Shell><Pages /></Shell></SessionContext>}
      <Toasts />
    </ConfigProvider>
  );
}

function Pages(): ReactNode {
  return (
    <Boundary fallback={<Crashed />}>
      <Suspense fallback={<Pending />}>
        <Switch>
          <Route path="/"><Redirect to="/overview" replace /></Route>
          <Route path="/overview" component={Analyst} />
          <Route path="/alerts" component={Analyst} />
          <Route path="/events" component={Analyst} />
          <Route path="/analyse" component={Enterprise} />
          <Route path="/software/*?" component={Software} />
          <Route path="/situation/*?" component={Regulator} />
          <Route path="/warnings/*?" component={Regulator} />
          <Route path="/status" component={Platform} />
          <Route component={Missing} />
        </Switch>
      </Suspense>
    </Boundary>
  );
}
