/** Whether the tail stands at the end of the log, and who wants to know what changes there. */
export interface Liveness {
  readonly live: boolean;
  /** Tells the listeners when it is another than before. */
  set(now: boolean): void;
  ring(): void;
  /** Calls `wake` with each ring, until the answer is called. */
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
