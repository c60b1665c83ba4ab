import type { Position } from "../../event/event.ts";
import type { TailEntry } from "./tail-entry.ts";

/** The newest events of the log, as many as fit. */
export interface TailEntries {
  /** All events of the log beyond this position that have arrived are here. */
  readonly from: Position;
  /** The last entry's position, or `from`. */
  readonly last: Position;
  beginAt(position: Position): void;
  add(entry: TailEntry): void;
  has(position: Position): boolean;
  /** Entries beyond `position`, which is not before `from`, until `enough` says so. */
  after(position: Position, enough: (entry: TailEntry) => boolean): readonly TailEntry[];
}

export function makeTailEntries({ tailEvents, tailBytes }: { readonly tailEvents: number; readonly tailBytes: number }): TailEntries {
  let entries: TailEntry[] = [];
  /** Entries before it are gone; they are cut off now and then, not one by one. */
  let first = 0;
  let bytes = 0;
  let from = 0n;
  /** The first entry beyond a position. */
  const beyond = (position: Position): number => {
    let low = first;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    get from() {
      return from;
    },
    get last() {
      return first < entries.length ? entries.at(-1)!.position : from;
    },
    beginAt(position) {
      from = position;
    },
    add(entry) {
      entries.push(entry);
      bytes += entry.bytes;
      while (entries.length - first > 1 && (entries.length - first > tailEvents || bytes > tailBytes)) {
        from = entries[first]!.position;
        bytes -= entries[first]!.bytes;
        first++;
      }
      if (first > tailEvents) {
        entries = entries.slice(first);
        first = 0;
      }
    },
    has(position) {
      const at = beyond(position) - 1;
      return at >= first && entries[at]!.position === position;
    },
    after(position, enough) {
      const taken: TailEntry[] = [];
      for (let at = beyond(position); at < entries.length; at++) {
        taken.push(entries[at]!);
        if (enough(entries[at]!)) break;
      }
      return taken;
    },
  };
}
