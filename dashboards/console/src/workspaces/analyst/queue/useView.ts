import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import { decode, encode, type View } from "../../../lib/filters";

/** The view as the address bar has it, and how to change it. Opening an alert replaces, filtering adds to the history. */
export function useView(): [View, (change: Partial<View>, replace?: boolean) => void] {
  const search = useSearch();
  const [path, go] = useLocation();
  const view = useMemo(() => decode(search), [search]);
  const change = useCallback(
    (part: Partial<View>, replace = false) => {
      const text = encode({ ...decode(location.search), ...part });
      go(text ? `${path}?${text}` : path, { replace });
    },
    [go, path],
  );
  return [view, change];
}
