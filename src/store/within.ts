import type { Clock } from "../event/clock.ts";

/** The promise's value, or undefined when it takes longer than `ms`. The promise goes on. */
export async function within<T>(clock: Clock, promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = clock.after(ms, () => resolve(undefined));
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.cancel();
  }
}
