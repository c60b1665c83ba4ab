import type { Clock } from "../event/clock.ts";

/**
 * Lets callers through one after another, evenly, at most `perSecond`; all at once without a rate. A pause is not made up for afterwards.
 *
 * @param signal lets everybody through: the caller looks why.
 */
export function makePace(clock: Clock, perSecond: number | null, signal: AbortSignal): () => Promise<void> {
  let nextMs = clock.monotonicMs();
  return async () => {
    if (perSecond === null || signal.aborted) return;
    const now = clock.monotonicMs();
    const waitMs = nextMs - now;
    nextMs = Math.max(nextMs, now) + 1000 / perSecond;
    if (waitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const pass = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", pass);
      resolve();
    };
    const timer = clock.after(waitMs, pass);
    signal.addEventListener("abort", pass, { once: true });
    await promise;
  };
}
