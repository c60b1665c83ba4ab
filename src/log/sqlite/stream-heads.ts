import { isHead } from "./is-head.ts";
import { Lately } from "./lately.ts";
import type { Opened } from "./opened.ts";
import type { StreamNames } from "./stream-names.ts";
import { streamSum } from "./sums.ts";

/** The end of a stream: `id` 0, `head` −1 and `position` 0 before its first event. */
export interface StreamHead {
  id: number;
  head: number;
  /** Of the last event, truncated or not. */
  position: number;
}

export interface StreamHeads {
  streamHead(stream: string): StreamHead;
  /** The same for several streams that are not in memory. One statement reads all of them, because a statement for each costs twice as much. */
  streamHeads(streams: readonly string[]): ReadonlyMap<string, StreamHead>;
  rememberHead(stream: string, at: StreamHead): void;
}

type HeadRow = readonly [
  id: number,
  name: string,
  tenant: string,
  first: number,
  sum: number,
  revision: number | null,
  position: number | null,
  headSum: number | null,
];
const headColumns = "s.id, s.name, s.tenant, s.first, s.sum, h.revision, h.position, h.sum";
const selectHead = `select ${headColumns} from streams s left join heads h on h.stream_id = s.id`;
const selectHeads = `select ${headColumns}, wanted.value from json_each(?) wanted cross join streams s on s.name = wanted.value left join heads h on h.stream_id = s.id`;
const noHeads: ReadonlyMap<string, StreamHead> = new Map();

export function makeStreamHeads({ prepare, mender, ifReadable, end }: Opened, names: StreamNames, cachedStreams: number): StreamHeads {
  const heads = new Lately<StreamHead>(cachedStreams);

  /** Commits that still wait for the disk are not shown. So this goes back from the stream's last event to one that is shown. */
  const shown = (at: StreamHead): StreamHead => {
    while (at.position > end.lastPosition) {
      const row = prepare("select previous from events where position = ?").get(at.position) as unknown as readonly [number] | undefined;
      if (row === undefined) break; // its events do not bear out the head: reads find that
      at.position = row[0];
      at.head--;
    }
    return at;
  };
  /** Searches the table when the index of the names cannot be read. */
  const idOf = (stream: string): number | undefined => {
    const byIndex = ifReadable(() => prepare("select id from streams where name = ?").get(stream) as unknown as readonly [number] | undefined, null);
    return (byIndex === null ? (prepare("select id from streams not indexed where name = ?").get(stream) as unknown as typeof byIndex) : byIndex)?.[0];
  };
  const mendedHead = (id: number): StreamHead => {
    const found = mender.headOf(names.streamOf(id));
    return { id, head: found.revision, position: found.position };
  };
  const readHeadRow = (row: HeadRow): StreamHead => {
    const [id, name, tenant, first, sum, revision, position, ofHead] = row;
    if (streamSum(id, name, tenant, first) === sum && isHead(id, revision, position, ofHead)) return { id, head: revision!, position: position! };
    return mendedHead(id);
  };

  return {
    streamHead(stream) {
      const cached = heads.get(stream);
      if (cached !== undefined) return cached;
      const row = ifReadable(() => prepare(`${selectHead} where s.name = ?`).get(stream) as unknown as HeadRow | undefined, null);
      if (row === undefined) return { id: 0, head: -1, position: 0 };
      const id = row === null ? idOf(stream) : row[0];
      if (id === undefined) return { id: 0, head: -1, position: 0 };
      const at = shown(row === null ? mendedHead(id) : readHeadRow(row));
      heads.set(stream, at);
      return at;
    },
    streamHeads(streams) {
      const unknown = new Set<string>();
      for (const stream of streams) if (!heads.has(stream)) unknown.add(stream);
      if (unknown.size < 2) return noHeads;
      const found = new Map<string, StreamHead>();
      for (const stream of unknown) found.set(stream, { id: 0, head: -1, position: 0 });
      const rows = ifReadable(() => prepare(selectHeads).all(JSON.stringify([...unknown])) as unknown as readonly (readonly [...HeadRow, string])[], null);
      if (rows === null) return noHeads; // each is asked for by itself then
      for (const [id, name, tenant, first, sum, revision, position, ofHead, stream] of rows)
        if (streamSum(id, name, tenant, first) === sum && isHead(id, revision, position, ofHead))
          found.set(stream, shown({ id, head: revision!, position: position! }));
        else found.delete(stream);
      return found;
    },
    rememberHead(stream, at) {
      heads.set(stream, at);
      names.remember(at.id, stream);
    },
  };
}
