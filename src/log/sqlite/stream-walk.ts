import { RepriseError } from "../../errors.ts";
import { type CarefulReads, trusted } from "./careful-reads.ts";
import type { Places } from "./places.ts";
import { columnsDamage, type EventRow } from "./row.ts";
import type { StreamRow } from "./stream-row.ts";

/** Finds the events of a stream one by one. */
export interface StreamWalk {
  /** The last event of a stream whose row of `heads` cannot be trusted. */
  headOf(stream: StreamRow): { readonly revision: number; readonly position: number };
  /** Events of a stream with these revisions, upwards, found one by one. @throws LOG_DAMAGED when one is not to be found. */
  streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[];
}

export function makeStreamWalk({ rowAt, positionsOf }: CarefulReads, { whereabouts }: Places, path: string): StreamWalk {
  function headOf({ id, first }: StreamRow): { readonly revision: number; readonly position: number } {
    for (const position of positionsOf("select position from events where stream_id = ? order by position desc limit 100", id)) {
      const row = trusted(rowAt(position));
      if (row !== null) return { revision: row[2], position };
    }
    return { revision: first - 1, position: 0 };
  }

  function streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[] {
    const rows: EventRow[] = [];
    let position = head.position;
    for (let revision = head.revision; revision >= low; revision--) {
      let row = position === 0 ? undefined : rowAt(position);
      if (row === undefined || !isOf(row, stream.id, revision)) {
        row = search(stream.id, revision);
        if (row === undefined)
          throw new RepriseError("LOG_DAMAGED", `${path} is damaged: revision ${revision} of ${stream.name} is not to be found.`, {
            fields: { stream: stream.name, revision },
          });
      }
      if (revision <= high) rows.unshift(row);
      // A link that cannot be trusted is not followed: 0 makes for a search.
      position = columnsDamage(row) === null ? row[11] : 0;
    }
    return rows;
  }

  /** It is the event, or is damaged and belongs there. */
  function isOf(row: EventRow, streamId: number, revision: number): boolean {
    if (columnsDamage(row) === null) return row[1] === streamId && row[2] === revision;
    const place = whereabouts(row);
    return place.streamId === streamId && place.revision === revision;
  }

  function search(streamId: number, revision: number): EventRow | undefined {
    // By either column: one of them may be what is wrong.
    const found = [
      ...positionsOf("select position from events where stream_id = ? and revision = ?", streamId, revision),
      ...positionsOf("select previous from events where stream_id = ? and revision = ? and previous > 0", streamId, revision + 1),
      ...positionsOf("select position from events where stream_id = ?", streamId),
    ];
    return found.map(rowAt).find((row) => row !== undefined && isOf(row, streamId, revision));
  }

  return { headOf, streamRows };
}
