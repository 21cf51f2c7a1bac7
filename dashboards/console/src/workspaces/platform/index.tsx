import type { ReactNode } from "react";

export default function Platform(): ReactNode {
  return null;
}
