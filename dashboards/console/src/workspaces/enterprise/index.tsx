import type { ReactNode } from "react";

export default function Enterprise(): ReactNode {
  return null;
}
