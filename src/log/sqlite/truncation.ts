import type { Opened } from "./opened.ts";
import type { StreamHead } from "./stream-heads.ts";
import type { StreamNames } from "./stream-names.ts";
import type { StreamPages } from "./stream-pages.ts";
import { streamSum, tailSum } from "./sums.ts";

/** How far a stream is to be truncated, and is. */
export interface Cut {
  readonly before: number;
  /** The lowest revision that is still there. */
  first: number;
}

/** Some events that go, of a stretch of the log. */
export interface Cutting {
  readonly rows: readonly (readonly [position: number, streamId: number, revision: number])[];
  /** All positions up to here have been looked at. */
  readonly reached: number;
}

export interface Truncation {
  /** The next events that go, in the order of the log. @param cuts by stream. A stream's events go from its first one on, without a gap. */
  nextToCut(cuts: ReadonlyMap<number, Cut>, after: number, through: number): Cutting;
  /** Removes them. Call it inside `transact`, and `noteCut` when that is stored. */
  cut(cutting: Cutting): void;
  noteCut(cuts: ReadonlyMap<number, Cut>, cutting: Cutting): void;
  /** The lowest revision that the stream may still have. */
  firstOf(stream: StreamHead): number;

  /** Removes up to `limit` of the stream's oldest events below `before`, and returns how many. Call it inside `transact`. */
  removeEvents(stream: StreamHead, before: number, limit: number): number;
}

/** A removed event leaves a changed page of its table, which it shares with others, and one of the index. */
const bytesOfCut = 2048;

/** Events that one transaction removes, and positions that it looks at for them: half a millisecond. */
const cutAtOnce = 50;
const lookedAtOnce = 250;

/** @param grew called with about the bytes that a transaction writes. */
export function makeTruncation({ prepare, end }: Opened, { streamOf }: StreamNames, { streamPage }: StreamPages, grew: (bytes: number) => void): Truncation {
  const writeFirst = (id: number, first: number) => {
    const { name, tenant } = streamOf(id);
    prepare("delete from marks where stream_id = ? and revision < ?").run(id, first);
    prepare("update streams set first = ?, sum = ? where id = ?").run(first, streamSum(id, name, tenant, first), id);
  };
  const writeTail = () => {
    const { lastPosition, lastRecordedAtMs } = end;
    prepare("update tail set position = ?, recorded_at = ?, sum = ?").run(lastPosition, lastRecordedAtMs, tailSum(lastPosition, lastRecordedAtMs));
  };
  return {
    nextToCut(cuts, after, through) {
      const found = prepare("select position, stream_id, revision from events where position > ? and position <= ? order by position limit ? + 0").all(
        after,
        through,
        lookedAtOnce,
      ) as unknown as Cutting["rows"];
      const firsts = new Map<number, number>();
      const rows: Cutting["rows"][number][] = [];
      for (const row of found) {
        const [position, streamId, revision] = row;
        const cut = cuts.get(streamId);
        // The next of its stream, and nothing else: a row with a damaged number is left, and so is what follows it.
        if (cut === undefined || revision >= cut.before || revision !== (firsts.get(streamId) ?? cut.first)) continue;
        firsts.set(streamId, revision + 1);
        if (rows.push(row) === cutAtOnce) return { rows, reached: position };
      }
      return { rows, reached: found.length < lookedAtOnce ? through : found.at(-1)![0] };
    },
    cut({ rows }) {
      for (const [position] of rows) prepare("delete from events where position = ?").run(position);
      for (const [streamId, first] of new Map(rows.map(([, streamId, revision]) => [streamId, revision + 1]))) writeFirst(streamId, first);
      writeTail();
      grew(rows.length * bytesOfCut);
    },
    noteCut(cuts, { rows }) {
      for (const [, streamId, revision] of rows) cuts.get(streamId)!.first = revision + 1;
    },
    firstOf: (at) => (at.id === 0 ? 0 : streamOf(at.id).first),

    removeEvents(at, before, limit) {
      if (at.id === 0) return 0;
      const { first } = streamOf(at.id);
      const last = Math.min(before, first + limit) - 1;
      // It goes by the checked rows themselves, because a wrong link would lead to events of another stream.
      const rows = last < first ? [] : streamPage(at, "forward", first, last - first + 1);
      for (const row of rows) prepare("delete from events where position = ?").run(row[0]);
      const removed = rows.length;
      if (removed === 0) return 0;
      writeFirst(at.id, last + 1);
      writeTail();
      grew(removed * bytesOfCut);
      return removed;
    },
  };
}
