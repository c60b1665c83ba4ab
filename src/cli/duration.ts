const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/** `90d`, `1.5h`, `30m`, `45s`, `250ms`, `2w` in milliseconds; null for another text. */
export function durationMs(text: string): number | null {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text) ?? [];
  if (count === undefined) return null;
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}
