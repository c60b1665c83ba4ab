import { RepriseError } from "../../errors.ts";
import { type CarefulReads, trusted } from "./careful-reads.ts";
import { PageLost } from "./page-lost.ts";
import type { Places } from "./places.ts";
import { columnsDamage, type EventRow } from "./row.ts";
import type { StreamRow } from "./stream-row.ts";

/** Finds the events of a stream one by one. */
export interface StreamWalk {
  /** The last event of a stream whose row of `heads` cannot be trusted. */
  headOf(stream: StreamRow): { readonly revision: number; readonly position: number };
  /** Events of a stream with these revisions, upwards, found one by one. @throws LOG_DAMAGED when one cannot be found. */
  streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[];
}

export function makeStreamWalk(reads: CarefulReads, { whereabouts }: Places, path: string): StreamWalk {
  const { rowAt, positionsOf, lost } = reads;

  function streamRows(stream: StreamRow, head: { readonly revision: number; readonly position: number }, low: number, high: number): readonly EventRow[] {
    const rows: EventRow[] = [];
    const start = markAbove(reads, isOf, stream.id, high) ?? head;
    let { position } = start;
    for (let { revision } = start; revision >= low; revision--) {
      let row = position === 0 ? undefined : rowAt(position);
      if (row === undefined || !isOf(row, stream.id, revision)) {
        row = lost?.of(stream.id, revision) ?? search(stream.id, revision);
        if (row === undefined) throw notFound(reads, path, `revision ${revision} of ${stream.name}`, { stream: stream.name, revision });
      }
      if (revision <= high) rows.unshift(row);
      // A link that cannot be trusted is not followed: with 0 the event is searched for.
      position = columnsDamage(row) === null || lost?.isOne(row) ? row[11] : 0;
    }
    return rows;
  }

  /** Whether the row is the event, or is damaged and belongs to this place. */
  function isOf(row: EventRow, streamId: number, revision: number): boolean {
    if (columnsDamage(row) === null) return row[1] === streamId && row[2] === revision;
    const place = whereabouts(row);
    return place.streamId === streamId && place.revision === revision;
  }

  function search(streamId: number, revision: number): EventRow | undefined {
    // Either column may be the wrong one, so the search goes by each of them.
    const found = [
      ...positionsOf("select position from events where stream_id = ? and revision = ?", streamId, revision),
      ...positionsOf("select previous from events where stream_id = ? and revision = ? and previous > 0", streamId, revision + 1),
      ...positionsOf("select position from events where stream_id = ?", streamId),
    ];
    return found.map(rowAt).find((row) => row !== undefined && isOf(row, streamId, revision));
  }

  return { headOf: (stream) => headOf(reads, path, stream), streamRows };
}

function headOf(reads: CarefulReads, path: string, { id, name, first }: StreamRow): { readonly revision: number; readonly position: number } {
  const { prepare, mustBeDamage, rowAt } = reads;
  let found: readonly (readonly [number])[];
  try {
    found = prepare("select position from events where stream_id = ? order by position desc limit 100").all(id) as unknown as typeof found;
  } catch (error) {
    mustBeDamage(error);
    // It does not answer "the stream is empty", because the next append would then take the place of an existing event.
    throw notFound(reads, path, `where ${name} ends`, { stream: name });
  }
  for (const [position] of found) {
    const row = trusted(rowAt(position));
    if (row !== null) return { revision: row[2], position };
  }
  return { revision: first - 1, position: 0 };
}

function notFound({ lost }: CarefulReads, path: string, what: string, fields: Readonly<Record<string, unknown>>): RepriseError {
  if (lost !== null && !lost.isExplored()) return new PageLost(path, lost.explore);
  return new RepriseError("LOG_DAMAGED", `${path} is damaged: ${what} is not to be found.`, { fields });
}

/** Where a walk down a stream to a revision begins, if the mark there is right, so that a long stream is not walked from its end. */
function markAbove(
  { prepare, mustBeDamage, rowAt }: CarefulReads,
  isOf: (row: EventRow, streamId: number, revision: number) => boolean,
  streamId: number,
  revision: number,
): { readonly revision: number; readonly position: number } | null {
  try {
    const mark = prepare("select revision, position from marks where stream_id = ? and revision >= ? order by revision limit 1").get(
      streamId,
      revision,
    ) as unknown as readonly [number, number] | undefined;
    const row = mark === undefined ? undefined : rowAt(mark[1]);
    return row !== undefined && isOf(row, streamId, mark![0]) ? { revision: mark![0], position: mark![1] } : null;
  } catch (error) {
    mustBeDamage(error);
    return null;
  }
}
