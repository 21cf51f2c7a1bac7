// Short messages at the lower edge; the newest three, read out politely.

import { type ReactNode, useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  text: string;
  error: boolean;
  action: { label: string; run: () => void } | null;
}
let toasts: readonly Toast[] = [];
let serial = 0;
const watchers = new Set<() => void>();

function become(next: readonly Toast[]): void {
  toasts = next;
  for (const watch of watchers) watch();
}

export function dismiss(id: number): void {
  become(toasts.filter((t) => t.id !== id));
}

export function toast(text: string, options: { error?: boolean; action?: Toast["action"]; seconds?: number } = {}): void {
  serial += 1;
  const id = serial;
  become([...toasts.slice(-2), { id, text, error: options.error ?? false, action: options.action ?? null }]);
  setTimeout(() => dismiss(id), (options.seconds ?? (options.error ? 10 : 5)) * 1000);
}

export function Toasts(): ReactNode {
  const shown = useSyncExternalStore((w) => (watchers.add(w), () => watchers.delete(w)), () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((t) => (
        <div key={t.id} className={t.error ? "toast error" : "toast"}>
          <span>{t.text}</span>
          {t.action && <button type="button" onClick={() => { t.action?.run(); dismiss(t.id); }}>{t.action.label}</button>}
        </div>
      ))}
    </div>
  );
}
