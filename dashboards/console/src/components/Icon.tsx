import type { ReactNode } from "react";

// 20 by 20, stroked. Drawn for this console.
const PATHS = {
  overview: "M3 16V9m5 7V4m5 12v-5m4 5V7M2 17.5h16",
  alerts: "M3 5h14M3 10h14M3 15h9",
  events: "M4 3.5h12v13H4zM7 7h6M7 10h6M7 13h3",
  analyse: "M10 13V3.5m0 0L6.5 7M10 3.5 13.5 7M3.5 13v3.5h13V13",
  software: "M10 2.5 16.5 6v8L10 17.5 3.5 14V6zM3.5 6 10 9.5 16.5 6M10 9.5v8",
  situation: "M3 5.5 8 3.5l4 2 5-2v11l-5 2-4-2-5 2zM8 3.5v11m4-9v11",
  warnings: "M10 3.2 17.6 16.5H2.4zM10 8v4.2m0 2v.1",
  status: "M2.5 10.5h3.2L8 5l3.6 10 2.2-4.5h3.7",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Zm4-1.5 4 4",
  filter: "M3 5h14M6 10h8m-5 5h2",
  close: "m5 5 10 10M15 5 5 15",
  check: "m4 10.5 4 4 8-9",
  down: "m5 8 5 5 5-5",
  right: "m8 5 5 5-5 5",
  left: "m12 5-5 5 5 5",
  up: "m5 12 5-5 5 5",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.6m0 12.8V18M2 10h1.6m12.8 0H18M4.3 4.3l1.2 1.2m9 9 1.2 1.2m0-11.4-1.2 1.2m-9 9-1.2 1.2",
  moon: "M16.5 12A7 7 0 0 1 8 3.5a6.8 6.8 0 1 0 8.5 8.5Z",
  keyboard: "M2.5 5.5h15v9h-15zM5 8.5h.1m3.2 0h.1m3.2 0h.1m3.2 0h.1M6.5 11.7h7",
  leave: "M12 4.5H4.5v11H12M8.5 10H17m0 0-3-3m3 3-3 3",
  person: "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 17c.4-3.3 2.8-5 6-5s5.6 1.7 6 5",
  flag: "M5 17V3.5h9.5l-2 3.3 2 3.2H5",
  file: "M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4",
  link: "M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1m1 3.3a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1",
  refresh: "M16 7.5A6.5 6.5 0 0 0 4 8m0-4v4h4m-4 4.5A6.5 6.5 0 0 0 16 12m0 4v-4h-4",
  panel: "M3 4h14v12H3zM7.5 4v12",
  undo: "M7 4 3.5 7.5 7 11M4 7.5h8a4 4 0 0 1 0 8H8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A beacon tower with its fire. */
export function Logo({ size = 28 }: { size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 1.5c.6 3.1 4.6 4.4 4.6 8.2A4.6 4.6 0 0 1 16 14.2a4.6 4.6 0 0 1-4.6-4.5c0-2 1.1-3 1.9-4.3.4 1.1.9 1.6 1.5 1.9-.2-2 .2-4 1.2-5.8Z" fill="#e2701f" />
      <path d="M16 8.2c.3 1.3 1.8 1.9 1.8 3.5a1.8 1.8 0 0 1-3.6 0c0-1.5 1.4-2 1.8-3.5Z" fill="#ffd27a" />
      <path d="M8 15.5h3v2h3.3v-2h3.4v2H21v-2h3v4.2h-1.7L24.2 30H7.8l1.9-10.3H8Z" fill="var(--accent)" />
      <path d="M14.2 30v-3.6a1.8 1.8 0 0 1 3.6 0V30Z" fill="var(--surface)" />
    </svg>
  );
}
