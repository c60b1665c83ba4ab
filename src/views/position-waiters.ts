import type { Position } from "../event/event.ts";

/** Promises of a position: each is kept when the rows contain it. */
export interface PositionWaiters {
  /** Resolves when `moved` tells of this position or a later one. `cancel` ends the wait with `error`. */
  until(position: Position): { readonly reached: Promise<void>; cancel(error: Error): void };
  moved(position: Position): void;
  /** Ends all waits, also future ones. */
  end(error: Error): void;
}

/** Callers bound how many wait: each is a request that somebody holds open, for seconds. */
export function makePositionWaiters(current: () => Position): PositionWaiters {
  const waiting = new Set<{ readonly position: Position; resolve(): void; reject(error: Error): void }>();
  let ended: Error | null = null;
  return {
    until(position) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter = { position, resolve, reject };
      if (ended !== null) reject(ended);
      else if (current() >= position) resolve();
      else waiting.add(waiter);
      return {
        reached: promise,
        cancel(error) {
          if (waiting.delete(waiter)) reject(error);
        },
      };
    },
    moved(position) {
      for (const waiter of waiting)
        if (waiter.position <= position) {
          waiting.delete(waiter);
          waiter.resolve();
        }
    },
    end(error) {
      ended = error;
      for (const { reject } of waiting) reject(error);
      waiting.clear();
    },
  };
}
