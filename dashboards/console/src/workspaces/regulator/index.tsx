import type { ReactNode } from "react";

export default function Regulator(): ReactNode {
  return null;
}
