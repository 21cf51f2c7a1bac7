import { createContext, useContext } from "react";
import type { Mode } from "./theme";
import type { Session } from "./api/types";

export interface Here {
  session: Session;
  mode: Mode;
  setMode: (mode: Mode) => void;
  leave: () => void;
}
export const SessionContext = createContext<Here | null>(null);

export function useHere(): Here {
  const here = useContext(SessionContext);
  if (!here) throw new Error("no session");
  return here;
}
