import type { Position } from "../event/event.ts";

/** Promises of a position: each is kept when the rows contain it. */
export interface PositionWaiters {
  /** Resolves when `moved` tells of this position or a later one. `cancel` ends the wait with `error`. */
  until(position: Position): { readonly reached: Promise<void>; cancel(error: Error): void };
  moved(position: Position): void;
  /** Ends all waits, also future ones. */
  end(error: Error): void;
  /** How many wait now: of this thread's own, one number, which other threads may read. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
}

/**
 * Callers bound how many wait: each is a request that somebody holds open, for seconds.
 *
 * @param awaited told when the first one begins to wait.
 */
export function makePositionWaiters(current: () => Position, awaited: () => void = () => {}): PositionWaiters {
  const waiting = new Set<{ readonly position: Position; resolve(): void; reject(error: Error): void }>();
  const count = new Int32Array(new SharedArrayBuffer(4));
  const counted = () => Atomics.store(count, 0, waiting.size);
  let ended: Error | null = null;
  return {
    until(position) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { position, resolve, reject };
      if (ended !== null) reject(ended);
      else if (current() >= position) resolve();
      else {
        waiting.add(waiter);
        if (counted() === 1) awaited();
      }
      return {
        reached: promise,
        cancel(error) {
          if (waiting.delete(waiter)) reject(error);
          counted();
        },
      };
    },
    moved(position) {
      for (const waiter of waiting)
        if (waiter.position <= position) {
          waiting.delete(waiter);
          waiter.resolve();
        }
      counted();
    },
    waiting: count,
    end(error) {
      ended = error;
      for (const { reject } of waiting) reject(error);
      waiting.clear();
      counted();
    },
  };
}
