import type { ViewDatabase } from "../database.ts";
import { type KindOfLane, kindOf } from "./lane-counts.ts";

/** Entities of a part, which is read at once when an event of one of them comes. */
const entitiesOfPart = 4096;

/** In a part: something waits in the lane. Below it is the lane's kind. */
export const hasWaiting = 64;

/** Of a handler, by the place of each entity in its part. */
export interface LanesOfPart {
  readonly kinds: Uint8Array;
  /** Events that came to wait in the lane since it was counted; `unknown` where it was counted before its part was read. */
  readonly arrived: Int32Array;
}

export const unknown = -1;

/**
 * Which lanes are counted, so that an event that comes is counted without a look at its lanes' rows, and a lane that goes on without a walk over what it held: five
 * bytes for each entity of a part, and handler with any there.
 */
export class CountedLanes {
  readonly #parts = new Map<number, Map<string, LanesOfPart>>();

  /** By handler; `place` is the entity's. @param settle called before rows are read. */
  of(db: ViewDatabase, entity: number, settle: () => void): ReadonlyMap<string, LanesOfPart> {
    const part = Math.floor(entity / entitiesOfPart);
    const known = this.#parts.get(part);
    if (known !== undefined) return known;
    settle();
    const read = new Map<string, LanesOfPart>();
    this.#parts.set(part, read);
    for (const row of db.all<KindOfLane & { entity: number; handler: string; first_ms: number | null }>(
      "select entity, handler, paused, why, letters, retry_at, detached, counted, first_ms from lanes where entity between ? and ? and counted is not null",
      ...[part * entitiesOfPart, (part + 1) * entitiesOfPart - 1],
    )) {
      this.set(row.handler, row.entity, kindOf(row) | (row.first_ms === null ? 0 : hasWaiting));
      read.get(row.handler)!.arrived[this.place(row.entity)] = unknown;
    }
    return read;
  }

  place(entity: number): number {
    return entity % entitiesOfPart;
  }

  /** The lane was counted just now. @param kind 0: it is not counted any more. */
  set(handler: string, entity: number, kind: number): void {
    const part = this.#parts.get(Math.floor(entity / entitiesOfPart));
    if (part === undefined) return;
    let lanes = part.get(handler);
    if (lanes === undefined) {
      if (kind === 0) return;
      part.set(handler, (lanes = { kinds: new Uint8Array(entitiesOfPart), arrived: new Int32Array(entitiesOfPart) }));
    }
    lanes.kinds[this.place(entity)] = kind;
    lanes.arrived[this.place(entity)] = 0;
  }

  /** How many events came to wait in a counted lane since; null where that is not known. */
  arrived(handler: string, entity: number): number | null {
    const arrived = this.#parts.get(Math.floor(entity / entitiesOfPart))?.get(handler)?.arrived[this.place(entity)] ?? unknown;
    return arrived === unknown ? null : arrived;
  }

  clear(): void {
    this.#parts.clear();
  }
}
