/** All lanes of a partition that have something to say, and how many of them the journal has to carry. */

import { type Lane, makeLane, removeLetter, unknownNext } from "./lane.ts";
import { isRecorded, saysMore } from "./lane-standing.ts";
import type { PartitionOptions } from "./options.ts";

/** Lanes that one flush looks at when there are too many: more than it may have brought, as it has at most 2,300 outcomes. */
const sweepLooks = 4096;
/** Making and dropping lanes was most of what a catch-up over 10,000 lanes cost the garbage collector. */
const defaultIdleLanes = 10_000;

export class LaneBook {
  readonly #lanes = new Map<string, Lane>();
  readonly #idleLanes: number;
  #recorded = 0;
  /** Goes round the lanes and forgets those without work. */
  #sweep: Iterator<Lane> | null = null;

  constructor({ idleLanes = defaultIdleLanes }: Pick<PartitionOptions, "idleLanes">) {
    this.#idleLanes = idleLanes;
  }

  get(stream: string): Lane | undefined {
    return this.#lanes.get(stream);
  }

  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** A lane that comes out of the journal, or with the first event of its stream. */
  add(lane: Lane): Lane {
    this.#lanes.set(lane.stream, lane);
    if (isRecorded(lane)) this.#recorded++;
    return lane;
  }

  /** The lane of a stream, for a loan or for an operator's act: a new one does not know yet what comes next. */
  open(stream: string): Lane {
    return this.#lanes.get(stream) ?? this.add(makeLane(stream, unknownNext));
  }

  /** Keeps the lane until `unpin`. */
  pin(lane: Lane): void {
    lane.pins++;
  }

  unpin(lane: Lane): void {
    lane.pins--;
    this.letGo(lane);
  }

  /** Forgets a lane that exists only for an act or a loan, once neither has it: an act has it until it is known whether its record was stored. */
  letGo(lane: Lane): void {
    if (lane.next === unknownNext && lane.pins === 0 && lane.acts === 0 && lane.loans.length === 0) this.#lanes.delete(lane.stream);
  }

  /** How many lanes the journal has to carry. */
  get recorded(): number {
    return this.#recorded;
  }

  setDetached(lane: Lane, detached: boolean): void {
    const before = isRecorded(lane);
    lane.detached = detached;
    this.#recorded += Number(isRecorded(lane)) - Number(before);
  }

  /** @returns whether there was such a letter. */
  removeLetter(lane: Lane, revision: number): boolean {
    const before = isRecorded(lane);
    const removed = removeLetter(lane, revision);
    this.#recorded += Number(isRecorded(lane)) - Number(before);
    return removed;
  }

  /** Forgets lanes that have no work while there are many, a bounded number of looks at a time. @param checkpoint as it is on record. */
  forgetIdle(checkpoint: bigint): void {
    for (let looks = 0; looks < sweepLooks && this.#lanes.size > this.#idleLanes; looks++) {
      this.#sweep ??= this.#lanes.values();
      const { value: lane } = this.#sweep.next();
      if (lane === undefined) {
        this.#sweep = null; // once round
        return;
      }
      if (isIdle(lane) && !saysMore(lane, checkpoint)) this.#lanes.delete(lane.stream);
    }
  }
}

/** Nothing of it runs or waits: if the journal need not say more of it either, the next event of its stream makes it anew. */
function isIdle(lane: Lane): boolean {
  return (
    !lane.paused &&
    !lane.reading &&
    lane.pins === 0 &&
    lane.acts === 0 &&
    lane.running === null &&
    lane.queue.length === 0 &&
    lane.replays.length === 0 &&
    lane.loans.length === 0 &&
    lane.pace === null &&
    lane.turn === null
  );
}
