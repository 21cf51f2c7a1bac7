import { Fragment, type ReactNode, useState } from "react";
import type { Event, Json } from "../api/types";
import { useSpeech } from "../i18n";
import { visible } from "../lib/escape";
import { bytes, duration } from "../lib/format";
import { Icon } from "./Icon";
import { Time } from "./Show";
import "../styles/events.css";

const text = (v: Json | undefined): string => (v === null || v === undefined ? "" : visible(typeof v === "string" ? v : JSON.stringify(v)));

/** What an event says in one line, by kind. */
function gist(e: Event, lang: "en" | "zh"): string {
  switch (e.kind) {
    case "dns": return [e.qtype, e.query, e.rcode, Array.isArray(e.answers) ? e.answers.slice(0, 3).join(" ") : ""].map(text).filter(Boolean).join("  ");
    case "http": return [e.method, `${text(e.host)}${text(e.uri)}`, e.status ?? e.status_code].map(text).filter(Boolean).join("  ");
    case "tls": return [e.version, e.sni, e.ja4].map(text).filter(Boolean).join("  ");
    case "file": return [e.filename, e.mime, typeof e.seen_bytes === "number" ? bytes(e.seen_bytes, lang) : "", e.sha256].map(text).filter(Boolean).join("  ");
    case "release": return [e.action, e.purl, e.uploader, e.summary].map(text).filter(Boolean).join("  ");
    case "artifact": return [e.path, e.format, typeof e.size === "number" ? bytes(e.size, lang) : "", e.sha256].map(text).filter(Boolean).join("  ");
    case "scan": return [e.verdict, e.name, e.purl, typeof e.probability === "number" ? `${Math.round(e.probability * 100)} %` : ""].map(text).filter(Boolean).join("  ");
    default: return [e.proto, e.app, e.conn_state, typeof e.duration === "number" ? duration(e.duration, lang) : "",
      typeof e.orig_bytes === "number" ? `↑ ${bytes(e.orig_bytes, lang)}` : "", typeof e.resp_bytes === "number" ? `↓ ${bytes(e.resp_bytes, lang)}` : ""].map(text).filter(Boolean).join("  ");
  }
}

const end = (ip: Json | undefined, port: Json | undefined): string => {
  const address = text(ip);
  return address && port !== undefined && port !== null ? (address.includes(":") ? `[${address}]:${text(port)}` : `${address}:${text(port)}`) : address;
};

export function EventTable({ events, tools }: { events: Event[]; tools?: (event: Event) => ReactNode }): ReactNode {
  const { t, lang, word } = useSpeech();
  const talks = events.some((e) => e.src_ip !== undefined);
  const mixed = new Set(events.map((e) => text(e.kind))).size > 1;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string): void => setOpen((old) => {
    const next = new Set(old);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  return (
    <div className="scroll" tabIndex={0} role="group" aria-label={t("events.table")}>
      <table className="plain events">
        <thead><tr><th><span className="hidden">{t("events.details")}</span></th><th>{t("chart.time")}</th>{mixed && <th>{t("events.kind")}</th>}{talks && <><th>{t("events.src_ip")}</th><th>{t("events.dst_ip")}</th></>}<th>{t("events.gist")}</th></tr></thead>
        <tbody>
          {events.map((e, i) => {
            const id = `${text(e.kind)}-${text(e.event_id) || i}`;
            const shown = open.has(id);
            return (
              <Fragment key={id}>
                <tr>
                  <td><button type="button" className="icon-button" aria-expanded={shown} aria-label={`${t("events.details")} ${i + 1}`} onClick={() => toggle(id)}><Icon name={shown ? "down" : "right"} size={12} /></button></td>
                  <td className="nowrap">{typeof e.ts === "string" ? <Time value={e.ts} seconds /> : text(e.ts)}</td>
                  {mixed && <td>{word("events.kind", text(e.kind))}</td>}
                  {talks && <><td className="mono">{end(e.src_ip, e.src_port)}</td><td className="mono">{end(e.dst_ip, e.dst_port)}</td></>}
                  <td className="mono gist"><bdi>{gist(e, lang)}</bdi></td>
                </tr>
                {shown && <tr className="columns"><td colSpan={3 + (mixed ? 1 : 0) + (talks ? 2 : 0)}>
                  {tools?.(e)}
                  <dl>{Object.entries(e).map(([k, v]) => <div key={k}><dt>{k}</dt><dd className="mono"><bdi>{text(v) || "–"}</bdi></dd></div>)}</dl>
                </td></tr>}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
