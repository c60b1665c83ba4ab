/** Waiting on a clock: for a while, longer from failure to failure, and for an answer that may not come. */
import type { Clock } from "./clock.ts";

/** Resolves after `ms`, or as soon as `signal` is aborted. */
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

/** How long to wait after a failure before the next try. */
export interface BackOff {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Beyond it the wait does not double any more, because 2^1100 is Infinity. */
const maxDoublings = 20;

/** The wait after so many failures before this one: it doubles from `firstMs` to `lastMs`. */
export function backOffMs(failures: number, { firstMs, lastMs }: BackOff): number {
  return Math.min(firstMs * 2 ** Math.min(failures, maxDoublings), lastMs);
}

/** Waits that long, or until `signal` is aborted. @param failures before the one that has just happened. */
export function backOff(failures: number, waits: BackOff, clock: Clock, signal?: AbortSignal): Promise<void> {
  return pause(backOffMs(failures, waits), clock, signal);
}

/**
 * Returns the answer if it comes within `ms`, and otherwise what `late` returns or throws. An answer that comes later is dropped.
 *
 * @param late is called in the moment in which the time is over.
 * @param signal ends the wait early, as if the time was over.
 */
export async function within<T, L>(answer: Promise<T>, ms: number, clock: Clock, late: () => L, signal?: AbortSignal): Promise<T | Awaited<L>> {
  const { promise: over, resolve, reject } = Promise.withResolvers<L>();
  const giveUp = () => {
    try {
      resolve(late());
    } catch (error) {
      reject(error);
    }
  };
  const timer = clock.after(ms, giveUp);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    return await Promise.race([answer, over]);
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Why what is tried does not succeed within `ms`; null: it does. */
export function failureWithin(tried: Promise<unknown>, ms: number, clock: Clock): Promise<string | null> {
  const failure = tried.then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return within(failure, ms, clock, () => `no answer within ${ms / 1000} s`);
}
