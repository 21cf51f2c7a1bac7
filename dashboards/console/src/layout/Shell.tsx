import { lazy, type ReactNode, Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { Link, useLocation } from "wouter";
import { connectionNow, watchConnection } from "../api/stream";
import { Icon, type IconName, Logo } from "../components/Icon";
import { type Key, useSpeech } from "../i18n";
import { commandOf, placeOf } from "../lib/keys";
import { useHere } from "../session";
import { LanguageSwitch, ThemeSwitch } from "./Preferences";
import { useWindowDrop } from "./drop";

const Help = lazy(() => import("./Help").then((m) => ({ default: m.Help })));

interface Place { path: string; query?: string; name: Key; icon: IconName }
const PLACES: { name: Key; items: Place[] }[] = [
  { name: "nav.analyst", items: [
    { path: "/overview", name: "nav.overview", icon: "overview" },
    { path: "/alerts", query: "?state=new&state=in_progress", name: "nav.alerts", icon: "alerts" },
    { path: "/events", name: "nav.events", icon: "events" },
  ] },
  { name: "nav.enterprise", items: [
    { path: "/software", name: "nav.software", icon: "software" },
    { path: "/analyse", name: "nav.analyse", icon: "analyse" },
  ] },
  { name: "nav.regulator", items: [
    { path: "/situation", name: "nav.situation", icon: "situation" },
    { path: "/warnings", name: "nav.warnings", icon: "warnings" },
  ] },
  { name: "nav.platform", items: [{ path: "/status", name: "nav.status", icon: "status" }] },
];
const NARROW = "fengsui.menu";

export function Shell({ children }: { children: ReactNode }): ReactNode {
  const { t, lang } = useSpeech();
  const here = useHere();
  const [path] = useLocation();
  const connection = useSyncExternalStore(watchConnection, connectionNow);
  const [narrow, setNarrow] = useState(() => localStorage.getItem(NARROW) === "narrow");
  const [help, setHelp] = useState(false);
  useWindowDrop();

  const place = PLACES.flatMap((g) => g.items.map((item) => ({ group: g.name, item }))).find(({ item }) => path.startsWith(item.path));
  useEffect(() => {
    document.title = `${place ? `${t(place.item.name)} · ` : ""}${t("app.name")}`;
  }, [place, t, lang]);
  useEffect(() => {
    const press = (e: KeyboardEvent): void => {
      if (commandOf(e, placeOf(document.activeElement)) === "help") setHelp(true);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const fold = (): void => {
    localStorage.setItem(NARROW, narrow ? "wide" : "narrow");
    setNarrow(!narrow);
  };

  return (
    <div className={narrow ? "shell narrow" : "shell"}>
      <a className="skip" href="#content" onClick={(e) => { e.preventDefault(); document.getElementById("content")?.focus(); }}>{t("app.skip")}</a>
      <nav className="side" aria-label={t("nav.label")}>
        <Link href="/overview" className="brand" aria-label={`${t("app.name")} ${t("app.tagline")}`}><Logo /><span><strong>{t("app.name")}</strong>{" "}<small>{t("app.tagline")}</small></span></Link>
        <div className="links">
          {PLACES.map((group) => (
            <section key={group.name}>
              <h2 aria-hidden={narrow}>{t(group.name)}</h2>
              <ul>
                {group.items.map((item) => (
                  <li key={item.path}>
                    <Link href={item.path + (item.query ?? "")} title={narrow ? t(item.name) : ""} aria-label={t(item.name)} aria-current={place?.item.path === item.path ? "page" : undefined}>
                      <Icon name={item.icon} /><span>{t(item.name)}</span>
                    </Link>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </div>
        <div className="foot">
          <button type="button" className="icon-button" onClick={fold} aria-label={t(narrow ? "nav.expand" : "nav.collapse")} title={t(narrow ? "nav.expand" : "nav.collapse")}><Icon name="panel" /></button>
        </div>
      </nav>
      <div className="frame">
        <header className="top">
          <span className="where">{place ? `${t(place.group)} / ${t(place.item.name)}` : ""}</span>
          {here.session.made && <span className="made" title={t("app.made.title")}>{t("app.made")}</span>}
          <span className={`live live-${connection}`} role="status">{t(`live.${connection}`)}</span>
          <button type="button" className="icon-button" aria-label={t("pref.help")} title={`${t("pref.help")} (?)`} onClick={() => setHelp(true)}><Icon name="keyboard" /></button>
          <LanguageSwitch />
          <ThemeSwitch mode={here.mode} setMode={here.setMode} />
          <span className="who"><Icon name="person" />{here.session.actor}</span>
          <button type="button" className="icon-button" aria-label={t("account.leave")} title={t("account.leave")} onClick={here.leave}><Icon name="leave" /></button>
        </header>
        {connection === "lost" && <div className="banner" role="alert">{t("app.lost")}</div>}
        <main id="content" tabIndex={-1}>{children}</main>
      </div>
      <Suspense>{help && <Help open close={() => setHelp(false)} />}</Suspense>
    </div>
  );
}
