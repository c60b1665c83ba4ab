/** How many readers read the log by themselves at once: each holds a batch of it, and folds of journals. The others wait in line. */
import type { Completions } from "./completions/completions.ts";

export interface ReadSlot {
  readonly completions: Completions;
  /** Called once. @param resting the reader reads on later: what was folded for it stays, as long as nobody else takes the slot. */
  giveBack(resting: boolean): void;
}

export interface ReadSlots {
  /** @returns null when `signal` was aborted first. */
  take(reader: object, signal: AbortSignal): Promise<ReadSlot | null>;
  /** The reader does not come back. */
  forget(reader: object): void;
}

interface Slot {
  readonly completions: Completions;
  /** Who had it last, and reads on later. */
  restingFor: object | null;
}

export function makeReadSlots(size: number, makeCompletions: () => Completions): ReadSlots {
  const free: Slot[] = Array.from({ length: size }, () => ({ completions: makeCompletions(), restingFor: null }));
  const line: ((slot: Slot) => void)[] = [];

  function takeFree(reader: object): Slot | undefined {
    const own = free.findIndex(({ restingFor }) => restingFor === reader);
    const unused = own === -1 ? free.findIndex(({ restingFor }) => restingFor === null) : own;
    return free.splice(Math.max(unused, 0), 1)[0];
  }

  function giveBack(slot: Slot): void {
    const next = line.shift();
    if (next === undefined) free.push(slot);
    else next(slot);
  }

  function clear(slot: Slot): void {
    slot.restingFor = null;
    slot.completions.forget();
  }

  return {
    async take(reader, signal) {
      if (signal.aborted) return null;
      const slot = takeFree(reader) ?? (await new Promise<Slot>((resolve) => line.push(resolve)));
      if (signal.aborted) {
        giveBack(slot);
        return null;
      }
      return {
        completions: slot.completions,
        giveBack(resting) {
          if (resting) slot.restingFor = reader;
          else clear(slot);
          giveBack(slot);
        },
      };
    },
    forget(reader) {
      for (const slot of free) if (slot.restingFor === reader) clear(slot);
    },
  };
}
