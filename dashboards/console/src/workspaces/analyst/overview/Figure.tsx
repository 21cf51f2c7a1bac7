import type { ReactNode } from "react";
import { Link } from "wouter";

export function Figure(p: { name: string; value: string; note: string; to: string }): ReactNode {
  return (
    <Link href={p.to} className="card figure">
      <span className="muted">{p.name}</span>
      <strong className="num">{p.value}</strong>
      <span className="muted small">{p.note}</span>
    </Link>
  );
}
