import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, get, type Query, url } from "./client";

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

/** Loads a path and again when it or the query changes; `null` loads nothing. What is shown stays until the new is there. */
export function useLoad<T>(path: string | null, query: Query = {}): Loaded<T> {
  const key = path === null ? null : url(path, query);
  const [state, setState] = useState<{ key: string | null; data?: T; error?: ApiError }>({ key: null });
  const [round, setRound] = useState(0);
  const asked = useRef({ path, query });
  asked.current = { path, query };

  useEffect(() => {
    if (key === null || asked.current.path === null) return;
    const abort = new AbortController();
    get<T>(asked.current.path, asked.current.query, abort.signal).then(
      (data) => setState({ key, data }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((old) => (old.key === key && old.data !== undefined ? { ...old, error } : { key, error }));
      },
    );
    return () => abort.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const set = useCallback((data: T) => setState((old) => ({ key: old.key, data })), []);
  const samePath = state.key !== null && key !== null && state.key.split("?")[0] === key.split("?")[0];
  return {
    data: samePath ? state.data : undefined, error: state.key === key ? state.error : undefined, loading: key !== null && state.key !== key,
    reload, set,
  };
}
