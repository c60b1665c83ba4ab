/** How fast one key may ask: a bucket of `burst` tokens that fills with `per_second` a second. A refusal takes no token. */
export interface Limit {
  readonly per_second: number;
  readonly burst: number;
}

/** The figures of the `RateLimit` headers, and whether the request may go on. */
export interface Granted {
  readonly ok: boolean;
  /** Whole requests left. */
  readonly remaining: number;
  /** Milliseconds until the next request may come (0: now), and until the bucket is full. */
  readonly retryAfterMs: number;
  readonly resetMs: number;
}

export interface RateLimit {
  take(nowMs: number): Granted;
}

/** @param nowMs of a clock that never goes back. */
export function makeRateLimit({ per_second: perSecond, burst }: Limit, nowMs: number): RateLimit {
  let tokens = burst;
  let filledMs = nowMs;
  return {
    take(atMs) {
      tokens = Math.min(burst, tokens + (Math.max(0, atMs - filledMs) * perSecond) / 1000);
      filledMs = Math.max(filledMs, atMs);
      const ok = tokens >= 1;
      if (ok) tokens -= 1;
      return {
        ok,
        remaining: Math.floor(tokens),
        retryAfterMs: tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000,
        resetMs: ((burst - tokens) / perSecond) * 1000,
      };
    },
  };
}
