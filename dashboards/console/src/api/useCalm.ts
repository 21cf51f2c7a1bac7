import { useEffect, useRef } from "react";
import { type Change, listen } from "./stream";

const EVERY = 5000;

/** Loads again after live changes that concern a page, at most every five seconds. */
export function useCalm(reload: () => void, concerns: (change: Change) => boolean = () => true): void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const now = useRef({ reload, concerns });
  now.current = { reload, concerns };
  useEffect(() => {
    const stop = listen((change) => {
      if (!now.current.concerns(change)) return;
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        now.current.reload();
      }, EVERY);
    });
    return () => {
      stop();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, []);
}
