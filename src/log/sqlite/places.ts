import { type CarefulReads, trusted } from "./careful-reads.ts";
import { type EventRow, hasItsType, summedColumns } from "./row.ts";
import { mendedStreamRow } from "./stream-row.ts";
import { rowSum, typeOfKind } from "./sums.ts";

/** The place of a damaged event, as far as anyone can tell. */
export interface Whereabouts {
  readonly streamId: number;
  readonly revision: number;
  readonly id: string | null;
  /** Null: it may have any type. */
  readonly type: string | null;
}

/** Finds the places of damaged events. */
export interface Places {
  whereabouts(row: EventRow): Whereabouts;
}

export function makePlaces(reads: CarefulReads): Places {
  const places = new Map<number, Whereabouts>();
  return {
    whereabouts(row) {
      if (reads.lost?.isOne(row)) return { streamId: row[1], revision: row[2], id: row[3] === "" ? null : row[3], type: null };
      let found = places.get(row[0]);
      if (found === undefined) places.set(row[0], (found = findPlace(reads, row)));
      return found;
    },
  };
}

/** Tries facts about the event from other places in place of its own columns, until its sum is right: then those columns were wrong. */
function findPlace(reads: CarefulReads, row: EventRow): Whereabouts {
  const own = summedColumns(row);
  const right = (change: Partial<typeof own>): boolean => {
    try {
      return rowSum({ ...own, ...change }) % 4294967296 === row[13] % 4294967296;
    } catch {
      return false;
    }
  };
  const type = hasItsType(row) ? own.type : (typeOfKind(Math.floor(row[13] / 4294967296)) ?? null);
  if (type !== null && right({ type })) return { streamId: own.streamId, revision: own.revision, id: own.id, type };
  const links = linksTo(reads, row);
  for (const link of links) if (right(link)) return { ...link, id: own.id, type: own.type };
  if (mendedStreamRow(reads, own.streamId) !== null && own.revision >= 0) {
    const ids = reads.prepare("select id from events indexed by events_by_id where position = ?").all(own.position) as unknown as readonly (readonly [
      string,
    ])[];
    for (const [id] of ids) if (right({ id })) return { streamId: own.streamId, revision: own.revision, id, type };
    // Two links that agree are trusted more than the columns. Otherwise the columns are trusted, because the damage is in another column, or in the link.
    const [one, other] = links;
    if (one === undefined || other === undefined || one.streamId !== other.streamId || one.revision !== other.revision)
      return { streamId: own.streamId, revision: own.revision, id: own.id, type };
  }
  const [link = { streamId: own.streamId, revision: own.revision }] = links;
  return { streamId: link.streamId, revision: link.revision, id: null, type };
}

interface Link {
  readonly streamId: number;
  readonly revision: number;
}

/** The places that its neighbours and the heads of streams name for it. */
function linksTo({ prepare, rowAt, positionsOf }: CarefulReads, row: EventRow): readonly Link[] {
  const own = summedColumns(row);
  const before = own.previous > 0 ? trusted(rowAt(own.previous)) : null;
  const links: Link[] = [];
  if (before !== null) links.push({ streamId: before[1], revision: before[2] + 1 });
  for (const position of positionsOf("select position from events where previous = ? and position > ? limit 1", own.position, own.position)) {
    const after = trusted(rowAt(position));
    if (after !== null) links.push({ streamId: after[1], revision: after[2] - 1 });
  }
  for (const position of positionsOf("select stream_id from heads where position = ?", own.position)) {
    const head = prepare("select revision from heads where stream_id = ?").get(position) as unknown as readonly [number] | undefined;
    if (head !== undefined) links.push({ streamId: position, revision: head[0] });
  }
  return links;
}
