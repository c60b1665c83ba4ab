import type { Opened } from "./opened.ts";
import { type EventRow, pageColumns } from "./row.ts";
import type { StreamHead } from "./stream-heads.ts";
import type { StreamNames } from "./stream-names.ts";

export interface StreamPages {
  /** Up to `limit` events of a stream from a revision on, in the order of the direction, none beyond `head`. */
  streamPage(stream: StreamHead, direction: "forward" | "backward", from: number, limit: number): readonly EventRow[];
}

/**
 * Events of a stream backwards, from the first mark at or above a revision, or its last event where there is none above, to a lower one. Values: stream,
 * upper revision, stream, lower revision.
 */
const walk = `with recursive walk (position, revision, previous) as (
    select e.position, e.revision, e.previous from events e where e.position = coalesce(
      (select position from marks where stream_id = ? and revision >= ? order by revision limit 1), (select position from heads where stream_id = ?))
    union all select e.position, e.revision, e.previous from walk w cross join events e on e.position = w.previous where w.revision > ?
  )`;
const selectPage = `${walk} select ${pageColumns(true)} from walk w cross join events e on e.position = w.position where w.revision <= ?`;

export function makeStreamPages({ prepare, mender, ifReadable }: Opened, { streamOf }: StreamNames): StreamPages {
  return {
    streamPage({ id, head, position }, direction, from, limit) {
      const stream = streamOf(id);
      const { first } = stream;
      const [low, high] =
        direction === "forward" ? [Math.max(from, first), Math.min(Math.max(from, first) + limit - 1, head)] : [Math.max(from - limit + 1, first), from];
      if (low > high) return [];
      let rows = ifReadable(() => prepare(selectPage).all(id, high, id, low, high) as unknown as EventRow[], []);
      rows.sort((one, other) => one[2] - other[2]);
      // A wrong link, mark or revision leaves a hole, or leads to another stream.
      if (rows.length !== high - low + 1 || rows.some((row, at) => row[2] !== low + at || row[1] !== id))
        rows = [...mender.streamRows(stream, { revision: head, position }, low, high)];
      return direction === "forward" ? rows : rows.reverse();
    },
  };
}
