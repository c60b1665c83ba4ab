import { positionsBetween } from "../entity-events.ts";
import { rowsAtOnce } from "../ways.ts";

/** A piece of an entity's revisions, both included. `beyond`: only events beyond the handler's checkpoint. */
export interface Piece {
  readonly entity: number;
  readonly low: number;
  readonly high: number;
  readonly beyond: 0 | 1;
  readonly blocked: 0 | 1;
}

/** Cuts ranges of revisions and gathers them, so that one statement walks a bounded number of events. */
export function* gathered(ranges: Iterable<Piece>): Generator<string, void> {
  let pieces: (readonly number[])[] = [];
  let revisions = 0;
  for (const { entity, low, high, beyond, blocked } of ranges)
    for (let from = low; from <= high; from += rowsAtOnce) {
      const to = Math.min(from + rowsAtOnce - 1, high);
      pieces.push([entity, from, to, beyond, blocked]);
      revisions += to - from + 1 + costOfPiece;
      if (revisions < rowsAtOnce) continue;
      yield JSON.stringify(pieces);
      pieces = [];
      revisions = 0;
    }
  if (pieces.length > 0) yield JSON.stringify(pieces);
}

/** Finding where a piece begins walks up to 64 events: about half of them. */
const costOfPiece = 32;

export const piecesOf = `with pieces as materialized (select value ->> 0 as entity, value ->> 1 as low, value ->> 2 as high, value ->> 3 as beyond, value ->> 4 as blocked from json_each(?))`;

export const eventsOfPieces = `pieces l cross join ${positionsBetween("l.entity", "l.low", "l.high")} p cross join events e not indexed on e.position = p.value`;
