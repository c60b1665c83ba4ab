import { Roster } from "../../event/roster.ts";

/** Told when its signal aborts. */
export interface Abortable {
  aborted(reason: unknown): void;
}

/** One listener for each signal, however many calls are under way, because it is slow to add and remove one for each call. */
const rosters = new WeakMap<AbortSignal, Roster<Abortable>>();

/** Those to be told when the signal aborts: enter it to be told once, and leave it not to be. */
export function abortedWith(signal: AbortSignal): Roster<Abortable> {
  let roster = rosters.get(signal);
  if (roster === undefined) {
    const all = new Roster<Abortable>();
    signal.addEventListener("abort", () => tellAll(all, signal.reason), { once: true });
    rosters.set(signal, (roster = all));
  }
  return roster;
}

function tellAll(all: Roster<Abortable>, reason: unknown): void {
  for (let entry = all.first; entry !== null; entry = all.first) {
    all.leave(entry);
    entry.item.aborted(reason);
  }
}
