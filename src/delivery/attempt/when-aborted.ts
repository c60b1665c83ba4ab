/** One listener for each signal, however many calls are under way, because it is slow to add and remove one for each call. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `act` when the signal aborts. @returns a function that cancels this. */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  let acts = listeners.get(signal);
  if (acts === undefined) {
    const all = new Set<() => void>();
    signal.addEventListener("abort", () => all.forEach((each) => void each()), { once: true });
    listeners.set(signal, (acts = all));
  }
  const those = acts;
  those.add(act);
  return () => void those.delete(act);
}
