/** Gaps in seconds between one time and the next; `times` ascending. */
export function gapsOf(times: readonly string[]): { at: number; gap: number }[] {
  const ms = times.map((t) => Date.parse(t));
  return ms.slice(1).map((at, i) => ({ at, gap: (at - (ms[i] ?? at)) / 1000 }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (!sorted.length) return 0;
  return sorted.length % 2 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}

/** Counts in bins of equal width; the last bin holds everything from `most` on, so that one long pause hides nothing. */
export function histogram(values: readonly number[], bins: number): { from: number; to: number; count: number }[] {
  if (!values.length) return [];
  const sorted = [...values].sort((a, b) => a - b);
  const least = sorted[0] ?? 0;
  const most = Math.max(sorted[Math.floor((sorted.length - 1) * 0.98)] ?? least, least + 1e-6);
  const width = (most - least) / bins;
  const out = Array.from({ length: bins }, (_, i) => ({ from: least + i * width, to: least + (i + 1) * width, count: 0 }));
  for (const v of values) {
    const bin = out[Math.min(bins - 1, Math.max(0, Math.floor((v - least) / width)))];
    if (bin) bin.count += 1;
  }
  return out;
}
