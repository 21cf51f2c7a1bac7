// One live stream for the whole console. The browser resumes it by Last-Event-ID.

import type { Activity, Alert, Band, Scope, WarningItem } from "./types";
import { checkSession, url } from "./client";

export interface Change extends Activity {
  alert: Alert | null;
  warning: WarningItem | null;
  situation: { scope: Scope; id: string; index: number | null; band: Band } | null;
}
export type Connection = "connecting" | "live" | "lost";

type Listener = (change: Change) => void;
const listeners = new Set<Listener>();
const watchers = new Set<(c: Connection) => void>();
let source: EventSource | null = null;
let connection: Connection = "connecting";
let last = 0;
let retry = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

export function connectionNow(): Connection {
  return connection;
}

function become(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const watch of watchers) watch(next);
}

/** Opens the stream; when the browser has given up on it, tries again after 1, 2, 4 … 30 seconds from where it was. */
export function open(): void {
  if (source) return;
  source = new EventSource(url("/stream", last ? { after: last } : {}));
  source.onopen = () => {
    retry = 0;
    become("live");
  };
  source.addEventListener("activity", (event) => {
    last = Number(event.lastEventId) || last;
    const change = JSON.parse(event.data as string) as Change;
    for (const listen of listeners) listen(change);
  });
  source.onerror = () => {
    become("lost");
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    void checkSession();
    retry += 1;
    timer = setTimeout(open, Math.min(30, 2 ** (retry - 1)) * 1000);
  };
}

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function watchConnection(watch: (c: Connection) => void): () => void {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

/** Ends the stream: nobody is signed in. */
export function close(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
  become("connecting");
}
