import { Roster } from "../../event/roster.ts";

/** One listener for each signal, however many calls are under way, because it is slow to add and remove one for each call. */
const listeners = new WeakMap<AbortSignal, Roster<() => void>>();

/** Calls `act` when the signal aborts. @returns a function that cancels this. */
export function whenAborted(signal: AbortSignal, act: () => void): () => void {
  let acts = listeners.get(signal);
  if (acts === undefined) {
    const all = new Roster<() => void>();
    signal.addEventListener("abort", () => actAll(all), { once: true });
    listeners.set(signal, (acts = all));
  }
  const those = acts;
  const entry = those.enter(act);
  return () => void those.leave(entry);
}

function actAll(acts: Roster<() => void>): void {
  for (let entry = acts.first; entry !== null; entry = acts.first) {
    acts.leave(entry);
    entry.item();
  }
}
