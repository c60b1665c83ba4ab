/** The place of one append among those that are being checked. */
export interface Place {
  /** Settles when the append before this one was handed to the log, or has left the queue; null when there is none. */
  readonly before: Promise<void> | null;
  leave(): void;
}

/**
 * Appends that nobody awaits reach the log in the order of the calls, although a large one gives way while it is checked. An append whose ids have to
 * be looked up leaves its place, so that the others do not wait for a reading of the log.
 */
export function makeQueue(): () => Place {
  let last: Promise<void> | null = null;
  return () => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before === null ? promise : promise.then(() => before);
    last = mine;
    void mine.then(() => {
      if (last === mine) last = null;
    });
    return { before, leave: resolve };
  };
}
