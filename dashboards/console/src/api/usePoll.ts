import { useEffect } from "react";

/** Asks again and again as long as something is at work. */
export function usePoll(running: boolean, reload: () => void, ms: number): void {
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(reload, ms);
    return () => clearInterval(timer);
  }, [running, reload, ms]);
}
