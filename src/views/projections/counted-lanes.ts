import type { ViewDatabase } from "../database.ts";
import { type KindOfLane, kindOf } from "./lane-counts.ts";

/** Entities of a part, which is read at once when an event of one of them comes. */
const entitiesOfPart = 4096;

/** In a part: something waits in the lane. Below it is the lane's kind. */
export const hasWaiting = 64;

type Kinds = ReadonlyMap<string, Uint8Array>;

/** Which lanes are counted, so that an event that comes is counted without a look at its lanes' rows: one byte for each entity of a part, and handler with any there. */
export class CountedLanes {
  readonly #parts = new Map<number, Map<string, Uint8Array>>();

  /** By handler; `place` is the entity's. @param settle called before rows are read. */
  of(db: ViewDatabase, entity: number, settle: () => void): Kinds {
    const part = Math.floor(entity / entitiesOfPart);
    const known = this.#parts.get(part);
    if (known !== undefined) return known;
    settle();
    const kinds = new Map<string, Uint8Array>();
    this.#parts.set(part, kinds);
    for (const row of db.all<KindOfLane & { entity: number; handler: string; first_ms: number | null }>(
      "select entity, handler, paused, why, letters, retry_at, detached, counted, first_ms from lanes where entity between ? and ? and counted is not null",
      ...[part * entitiesOfPart, (part + 1) * entitiesOfPart - 1],
    ))
      this.set(row.handler, row.entity, kindOf(row) | (row.first_ms === null ? 0 : hasWaiting));
    return kinds;
  }

  place(entity: number): number {
    return entity % entitiesOfPart;
  }

  /** @param kind 0: it is not counted. */
  set(handler: string, entity: number, kind: number): void {
    const part = this.#parts.get(Math.floor(entity / entitiesOfPart));
    if (part === undefined) return;
    let kinds = part.get(handler);
    if (kinds === undefined) {
      if (kind === 0) return;
      part.set(handler, (kinds = new Uint8Array(entitiesOfPart)));
    }
    kinds[entity % entitiesOfPart] = kind;
  }

  clear(): void {
    this.#parts.clear();
  }
}
