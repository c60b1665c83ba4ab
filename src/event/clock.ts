/** Time as Reprise uses it; passed in, so that tests move it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970: for what is stored and shown. */
  now(): number;
  /** Milliseconds that never go back: for waits and durations. */
  monotonicMs(): number;
  /** Calls `wake` once, `afterMs` from now. Any length: see systemClock. */
  after(afterMs: number, wake: () => void): { cancel(): void };
}

/** `setTimeout` takes at most 2^31 − 1 ms (a year fires after 1 ms), so longer waits go in steps of at most an hour. */
const stepMs = 3_600_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(afterMs, wake) {
    const due = performance.now() + Math.max(0, afterMs);
    let timer: NodeJS.Timeout;
    const step = () => {
      const leftMs = due - performance.now();
      if (leftMs <= 0) wake();
      else timer = setTimeout(step, Math.min(leftMs, stepMs));
    };
    timer = setTimeout(step, Math.min(Math.max(0, afterMs), stepMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Ends early when `signal` is aborted. */
export function pause(ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal?.addEventListener("abort", end);
  });
}
