import { type RefObject, useEffect, useRef } from "react";
import type { Alert } from "../../../api/types";
import { commandOf, placeOf } from "../../../lib/keys";
import type { Row } from "../../../lib/live";
import { useHere } from "../../../session";
import type { ListHandle } from "./List";
import type { Act } from "./useTriage";

interface Hands {
  rows: Row[];
  cursor: string | null;
  setCursor: (id: string | null) => void;
  chosen: Alert[];
  opened: string | null;
  open: (id: string | null) => void;
  select: (id: string) => void;
  clear: () => void;
  triage: (alerts: Alert[], act: Act) => Promise<void>;
  insert: () => void;
  list: RefObject<ListHandle | null>;
  search: RefObject<{ focus: () => void } | null>;
}

/** The queue by keyboard. What is selected is acted on, otherwise the row that is open or under the cursor. */
export function useQueueKeys(hands: Hands): void {
  const { session } = useHere();
  const now = useRef(hands);
  now.current = hands;
  useEffect(() => {
    const press = (e: KeyboardEvent): void => {
      if (document.querySelector("[role=dialog]")) return;
      const command = commandOf(e, placeOf(document.activeElement));
      const h = now.current;
      const at = h.rows.findIndex((r) => r.alert.id === h.cursor);
      const go = (to: number): void => {
        const row = h.rows[Math.max(0, Math.min(to, h.rows.length - 1))];
        if (!row) return;
        h.list.current?.show(h.rows.indexOf(row));
        h.setCursor(row.alert.id);
        if (h.opened) h.open(row.alert.id);
      };
      const act = (what: Act): void => {
        const under = h.rows[at]?.alert;
        const alerts = h.chosen.length ? h.chosen : under ? [under] : [];
        void h.triage(alerts, what);
        if (what.state && what.state !== "in_progress" && !h.chosen.length && !h.opened) go(at + 1);
        if (h.chosen.length) h.clear();
      };
      switch (command) {
        case "down": go(at + 1); break;
        case "up": go(at < 0 ? 0 : at - 1); break;
        case "open": if (h.cursor) h.open(h.cursor); break;
        case "select": if (h.cursor) h.select(h.cursor); break;
        case "resolve": act({ state: "resolved" }); break;
        case "false_positive": act({ state: "false_positive" }); break;
        case "progress": act({ state: "in_progress" }); break;
        case "assign": act({ assignee: session.actor }); break;
        case "more": h.insert(); break;
        case "search": h.search.current?.focus(); break;
        case "close": close(h); break;
        default: return;
      }
      e.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [session.actor]);
}

/** One thing at a time: the field that is typed into, the panel, the selection, the cursor. */
function close(h: Hands): void {
  const active = document.activeElement;
  if (active instanceof HTMLElement && placeOf(active) === "typing") active.blur();
  else if (h.opened) h.open(null);
  else if (h.chosen.length) h.clear();
  else h.setCursor(null);
}
