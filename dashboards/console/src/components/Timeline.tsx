import type { ReactNode } from "react";
import type { Activity, Json, Text } from "../api/types";
import { useSpeech } from "../i18n";
import { Safe, Time } from "./Show";
import "../styles/timeline.css";

export function Timeline({ entries }: { entries: Activity[] }): ReactNode {
  return <ol className="timeline">{entries.map((a) => <Entry key={a.seq} entry={a} />)}</ol>;
}

function Entry({ entry }: { entry: Activity }): ReactNode {
  const { word, say } = useSpeech();
  const why = entry.body.why;
  const comment = entry.body.comment ?? entry.body.reason ?? (isText(why) ? say(why) : undefined);
  return (
    <li>
      <span><strong>{word("actor", entry.actor)}</strong> {word("act", saidOnly(entry) ? "commented" : entry.act)} <Changes body={entry.body} warning={entry.object === "warning"} names={entry.act === "triaged" ? ["state", "assignee"] : ["state", "severity", "level"]} /></span>
      <Time value={entry.at} seconds />
      {typeof comment === "string" && comment && <blockquote><Safe>{comment}</Safe></blockquote>}
    </li>
  );
}

/** A comment and nothing else. */
function saidOnly(entry: Activity): boolean {
  return entry.act === "triaged" && entry.body.comment !== undefined && entry.body.state === undefined && entry.body.assignee === undefined;
}

const isText = (v: Json | undefined): v is Text => isObject(v) && typeof v.en === "string" && typeof v.zh === "string";
const isObject = (v: Json | undefined): v is { [key: string]: Json } => typeof v === "object" && v !== null && !Array.isArray(v);

/** Before and after where a person changed something, else the new values. */
function Changes({ body, names, warning }: { body: Activity["body"]; names: string[]; warning: boolean }): ReactNode {
  const { word, t } = useSpeech();
  const text = (name: string, v: Json | undefined): string => {
    if (name === "assignee") return typeof v === "string" && v ? v : t("detail.nobody");
    if (name === "state") return word(warning ? "warning.state" : "alert.state", String(v));
    if (name === "severity") return word("severity", String(v));
    if (name === "level") return word("level", String(v));
    if (v === undefined) return "";
    return typeof v === "string" ? v : JSON.stringify(v);
  };
  return names.flatMap((n) => {
    const value = body[n];
    if (value === undefined) return [];
    if (isObject(value)) return [<span key={n} className="change"><s>{text(n, value.before)}</s> → {text(n, value.after)}</span>];
    return [<span key={n} className="change">{text(n, value)}</span>];
  });
}
