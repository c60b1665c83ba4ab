import { setImmediate as nextTurn } from "node:timers/promises";
import type { JournalEvent } from "../../records/journal.ts";
import { slicesOf, toSnapshot } from "./snapshot.ts";
import type { PartitionState } from "./state.ts";

/** A snapshot is due after so many bytes, or four times the last snapshot. */
const snapshotBytes = 1024 * 1024;

/** When a journal is long enough for a snapshot, and writing it: the next start reads no further back than to there. */
export class Shortening {
  #bytesSince: number;
  #lastBytes: number;

  /** @param bytes since the last snapshot; `snapshotBytes`: of that one. */
  constructor({ bytes, snapshotBytes }: { readonly bytes: number; readonly snapshotBytes: number }) {
    this.#bytesSince = bytes;
    this.#lastBytes = snapshotBytes;
  }

  grew(bytes: number): void {
    this.#bytesSince += bytes;
  }

  isDue(): boolean {
    return this.#bytesSince >= Math.max(snapshotBytes, 4 * this.#lastBytes);
  }

  /** @param append stores one part and returns its bytes; null when it will never be stored. */
  async write(state: PartitionState, set: string, append: (part: JournalEvent, isLast: boolean) => Promise<number | null>): Promise<void> {
    const slices = [];
    for (const slice of slicesOf(state)) {
      slices.push(slice);
      await nextTurn(); // a large one takes long to measure
    }
    let written = 0;
    for (const part of toSnapshot(state, set, slices)) {
      const bytes = await append(part, part.data.part === slices.length - 1);
      if (bytes === null) return;
      written += bytes;
    }
    this.#bytesSince = 0;
    this.#lastBytes = written;
  }
}
