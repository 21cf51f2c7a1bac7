// Files dropped anywhere lead to the page that analyses them, or stay with the one that scans software.

import { useEffect } from "react";
import { useLocation } from "wouter";

let waiting: File[] = [];
const watchers = new Set<() => void>();

/** The files that were dropped and not yet taken. */
export function takeDropped(): File[] {
  const files = waiting;
  waiting = [];
  return files;
}

export function onDropped(watch: () => void): () => void {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

export function useWindowDrop(): void {
  const [, go] = useLocation();
  useEffect(() => {
    const over = (e: DragEvent): void => {
      if (!e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      document.documentElement.dataset.drag = "over";
    };
    const leave = (e: DragEvent): void => {
      if (e.relatedTarget === null) delete document.documentElement.dataset.drag;
    };
    const drop = (e: DragEvent): void => {
      if (!e.dataTransfer?.files.length) return;
      e.preventDefault();
      delete document.documentElement.dataset.drag;
      waiting = [...waiting, ...e.dataTransfer.files];
      if (!location.pathname.startsWith("/software")) go("/analyse");
      for (const watch of watchers) watch();
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [go]);
}
