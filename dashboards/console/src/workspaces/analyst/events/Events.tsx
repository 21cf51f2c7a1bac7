import type { ReactNode } from "react";

export default function Events(): ReactNode {
  return null;
}
