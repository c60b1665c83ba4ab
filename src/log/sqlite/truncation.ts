import type { Opened } from "./opened.ts";
import type { StreamHead } from "./stream-heads.ts";
import type { StreamNames } from "./stream-names.ts";
import type { StreamPages } from "./stream-pages.ts";
import { streamSum, tailSum } from "./sums.ts";

export interface Truncation {
  /** Removes up to `limit` of the stream's oldest events below `before`, and returns how many. Call it inside `transact`. */
  removeEvents(stream: StreamHead, before: number, limit: number): number;
}

export function makeTruncation({ prepare, end }: Opened, { streamOf }: StreamNames, { streamPage }: StreamPages): Truncation {
  return {
    removeEvents(at, before, limit) {
      if (at.id === 0) return 0;
      const { name, tenant, first } = streamOf(at.id);
      const last = Math.min(before, first + limit) - 1;
      // It goes by the checked rows themselves, because a wrong link would lead to events of another stream.
      const rows = last < first ? [] : streamPage(at, "forward", first, last - first + 1);
      for (const row of rows) prepare("delete from events where position = ?").run(row[0]);
      const removed = rows.length;
      const streamId = at.id;
      if (removed === 0) return 0;
      prepare("delete from marks where stream_id = ? and revision <= ?").run(streamId, last);
      prepare("update streams set first = ?, sum = ? where id = ?").run(last + 1, streamSum(streamId, name, tenant, last + 1), streamId);
      const { lastPosition, lastRecordedAtMs } = end;
      prepare("update tail set position = ?, recorded_at = ?, sum = ?").run(lastPosition, lastRecordedAtMs, tailSum(lastPosition, lastRecordedAtMs));
      return removed;
    },
  };
}
