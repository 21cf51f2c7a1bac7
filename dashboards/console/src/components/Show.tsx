// How the words of the field look everywhere: severity, state, time, subject, numbers.

import type { ReactNode } from "react";
import type { AlertState } from "../api/types";
import { useSpeech } from "../i18n";
import { visible } from "../lib/escape";
import { local, localSeconds, number, utc } from "../lib/format";
import "../styles/show.css";

export function Severity({ value }: { value: number }): ReactNode {
  const { word } = useSpeech();
  const level = Math.max(1, value);
  return (
    <span className={`severity sev${level}`}>
      <svg width="14" height="12" viewBox="0 0 14 12" aria-hidden="true">
        {[0, 1, 2, 3].map((i) => <rect key={i} x={i * 3.6} y={9 - i * 3} width="2.6" height={3 + i * 3} rx="1" className={i < level - 1 || (i === 0 && level === 1) ? "on" : ""} />)}
      </svg>
      {word("severity", String(value))}
    </span>
  );
}

export function State({ value }: { value: AlertState }): ReactNode {
  const { word } = useSpeech();
  return <span className={`alert-state state-${value}`}>{word("alert.state", value)}</span>;
}

export function Time({ value, seconds = false }: { value: string | null | undefined; seconds?: boolean }): ReactNode {
  if (!value) return <span className="muted">–</span>;
  return <time className="num" dateTime={value} title={utc(value)}>{seconds ? localSeconds(value) : local(value)}</time>;
}

export function Num({ value, digits = 0 }: { value: number; digits?: number }): ReactNode {
  const { lang } = useSpeech();
  return <span className="num">{number(value, lang, digits)}</span>;
}

/** `host:10.0.0.5` and the like: the sort is shown lightly, the name as it is, with nothing hidden in it. */
export function Subject({ value }: { value: string }): ReactNode {
  const at = value.indexOf(":");
  const [sort, name] = at > 0 && at < 10 ? [value.slice(0, at + 1), value.slice(at + 1)] : ["", value];
  return <bdi dir="ltr" className="mono subject"><span className="muted">{sort}</span>{visible(name)}</bdi>;
}

/** Text with data of strangers in it. */
export function Safe({ children }: { children: string }): ReactNode {
  return <bdi>{visible(children)}</bdi>;
}
