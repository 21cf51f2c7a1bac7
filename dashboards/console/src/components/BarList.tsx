import type { ReactNode } from "react";
import { Link } from "wouter";
import { Num } from "./Show";
import "../styles/bars.css";

export interface Bar {
  key: string;
  name: ReactNode;
  count: number;
  to: string;
  colour?: string;
  note?: string;
}

/** Names with their counts as bars; each leads to what is counted. */
export function BarList({ items }: { items: Bar[] }): ReactNode {
  const most = Math.max(1, ...items.map((i) => i.count));
  return (
    <ul className="bars">
      {items.map((i) => (
        <li key={i.key}>
          <Link href={i.to}>
            <span className="name">{i.name}</span>
            <span className="muted small">{i.note}</span>
            <Num value={i.count} />
            <span className="bar" aria-hidden="true"><i style={{ width: `${(i.count / most) * 100}%`, background: i.colour }} /></span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
