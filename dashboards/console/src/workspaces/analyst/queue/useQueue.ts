import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { ApiError, get } from "../../../api/client";
import { type Change, connectionNow, listen, watchConnection } from "../../../api/stream";
import type { Alert, Page } from "../../../api/types";
import { encode, query } from "../../../lib/filters";
import { append, type Ask, EMPTY, insert, type List, lose, merge, seen } from "../../../lib/live";

const PAGE = 100;
const FIRST = 50;

type Step =
  | { do: "begin" }
  | { do: "page"; page: Page<Alert> }
  | { do: "merge"; alerts: Alert[]; ask: Ask; fresh: number }
  | { do: "lose"; id: string }
  | { do: "insert"; ask: Ask }
  | { do: "seen"; id: string };

function reduce(list: List, step: Step): List {
  switch (step.do) {
    case "begin": return EMPTY;
    case "page": return append(list, step.page.items, step.page.next);
    case "merge": return step.alerts.reduce((l, a) => merge(l, a, step.ask, step.fresh), list);
    case "lose": return lose(list, step.id);
    case "insert": return insert(list, step.ask);
    case "seen": return seen(list, step.id);
  }
}

export interface QueueState {
  list: List;
  loading: boolean;
  error: ApiError | null;
  more: () => void;
  reload: () => void;
  insert: () => void;
  seen: (id: string) => void;
  /** Alerts as the server has answered to a change of ours. */
  put: (alerts: Alert[]) => void;
}

/** Loads the queue page by page and keeps it live without moving what is read. */
export function useQueue(ask: Ask, onChange: (change: Change) => void): QueueState {
  const key = useMemo(() => encode({ ...ask, alert: null }), [ask]);
  const [list, step] = useReducer(reduce, EMPTY);
  const [round, setRound] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [loading, setLoading] = useState(true);
  const busy = useRef<AbortController | null>(null);
  const now = useRef({ ask, list, onChange });
  now.current = { ask, list, onChange };

  const load = useCallback((cursor: string | null) => {
    busy.current?.abort();
    const abort = new AbortController();
    busy.current = abort;
    setLoading(true);
    setError(null);
    const { filters, sort } = now.current.ask;
    get<Page<Alert>>("/alerts", { ...query(filters), sort, limit: cursor ? PAGE : FIRST, cursor }, abort.signal).then(
      (page) => {
        if (!cursor) step({ do: "begin" });
        step({ do: "page", page });
        setLoading(false);
        busy.current = null;
      },
      (e: unknown) => {
        if (abort.signal.aborted) return;
        setError(e instanceof ApiError ? e : null);
        setLoading(false);
        busy.current = null;
      },
    );
  }, []);

  useEffect(() => {
    load(null);
    return () => {
      busy.current?.abort();
      busy.current = null;
    };
  }, [key, round, load]);

  useEffect(() => listen((change) => {
    if (change.object !== "alert") return;
    if (change.alert) step({ do: "merge", alerts: [change.alert], ask: now.current.ask, fresh: change.seq });
    else step({ do: "lose", id: change.object_id });
    now.current.onChange(change);
  }), []);
  useLateStart(now, step);

  const more = useCallback(() => {
    if (!busy.current && now.current.list.next) load(now.current.list.next);
  }, [load]);
  return {
    list, loading, error, more,
    reload: useCallback(() => setRound((n) => n + 1), []),
    insert: useCallback(() => step({ do: "insert", ask: now.current.ask }), []),
    seen: useCallback((id: string) => step({ do: "seen", id }), []),
    put: useCallback((alerts: Alert[]) => step({ do: "merge", alerts, ask: now.current.ask, fresh: 0 }), []),
  };
}

/** What changed between the first page and the start of the stream has been told to nobody: asked for once. */
function useLateStart(now: { current: { ask: Ask } }, step: (s: Step) => void): void {
  useEffect(() => {
    if (connectionNow() === "live") return;
    const stop = watchConnection((c) => {
      if (c !== "live") return;
      stop();
      const ask = now.current.ask;
      get<Page<Alert>>("/alerts", { ...query(ask.filters), sort: ask.sort, limit: FIRST }).then(
        (page) => step({ do: "merge", alerts: page.items, ask, fresh: 0 }),
        () => {}, // The list has its own error; this was a second look.
      );
    });
    return () => void stop();
  }, [now, step]);
}
