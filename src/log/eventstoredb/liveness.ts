/** Whether the tail is at the end of the log, and the listeners for changes there. */
export interface Liveness {
  readonly live: boolean;
  /** Tells the listeners when the answer has changed. */
  set(now: boolean): void;
  ring(): void;
  /** Calls `wake` with each ring, until the returned function is called. */
  listen(wake: () => void): () => void;
}

export function makeLiveness(): Liveness {
  let live = false;
  const listeners = new Set<() => void>();
  const ring = () => {
    for (const wake of listeners) wake();
  };
  return {
    get live() {
      return live;
    },
    set(now) {
      if (live === now) return;
      live = now;
      ring();
    },
    ring,
    listen(wake) {
      listeners.add(wake);
      return () => listeners.delete(wake);
    },
  };
}
