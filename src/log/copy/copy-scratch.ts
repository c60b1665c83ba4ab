import { DatabaseSync } from "node:sqlite";
import type { Position } from "../../event/event.ts";

/** One side of a comparison. */
export type Side = "source" | "target";

export interface StreamDigest {
  readonly stream: string;
  readonly events: number;
  /** Digest of the stream's last event, chained over the events before it. */
  readonly digest: Uint8Array;
}

/** The notes of a copy, on disk and not in memory, because a log may have a hundred million events and streams. */
export interface CopyScratch {
  /** The stream's next revision, from 0; each call is one event. */
  nextRevision(stream: string): number;
  restartRevisions(): void;
  /** Positions of one event of an entity in both logs. Called in log order. */
  pair(source: Position, target: Position): void;
  /** The target's position of the last event of an entity at or before this position; 0: there is none. */
  targetOf(source: Position): Position;
  /** Chains one event to its stream's digest; `chain` gets the digest so far, null at the first event. */
  digest(side: Side, stream: string, chain: (before: Uint8Array | null) => Uint8Array): void;
  /** Streams whose count or digest differs, or that one side has not, by name. */
  differing(limit: number): { readonly streams: readonly string[]; readonly total: number };
  /** By name. */
  digests(side: Side): Iterable<StreamDigest>;
  close(): void;
}

/** Rows of one transaction of the scratch file. Without transactions, each row would be a write. */
const rowsAtOnce = 50_000;

/** SQLite's private temporary database: a file of its own in the temporary folder once it outgrows the cache, and gone with the process, however that ends. */
export function openCopyScratch(): CopyScratch {
  const db = new DatabaseSync("", { readBigInts: false });
  db.exec(`pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -65536;
    create table revisions (stream text primary key, next integer not null) strict, without rowid;
    create table positions (source integer primary key, target integer not null) strict;
    create table digests (stream text not null, side text not null, events integer not null, digest blob not null, primary key (stream, side)) strict, without rowid;
    begin`);
  const count = db.prepare("insert into revisions values (?, 1) on conflict do update set next = next + 1 returning next");
  const addPair = db.prepare("insert into positions values (?, ?)");
  const findPair = db.prepare("select target from positions where source <= ? order by source desc limit 1");
  findPair.setReadBigInts(true);
  const readDigest = db.prepare("select digest from digests where stream = ? and side = ?");
  const writeDigest = db.prepare("insert into digests values (?, ?, 1, ?) on conflict do update set events = events + 1, digest = excluded.digest");
  const differ = `from (select stream from digests group by stream having count(*) < 2 or count(distinct digest) > 1 or count(distinct events) > 1)`;
  let rows = 0;
  const wrote = (): void => {
    if (++rows % rowsAtOnce === 0) db.exec("commit; begin");
  };

  return {
    nextRevision(stream) {
      wrote();
      return (count.get(stream) as { next: number }).next - 1;
    },
    restartRevisions() {
      db.exec("delete from revisions");
    },
    pair(source, target) {
      addPair.run(source, target);
      wrote();
    },
    targetOf(source) {
      return (findPair.get(source) as { target: bigint } | undefined)?.target ?? 0n;
    },
    digest(side, stream, chain) {
      const before = readDigest.get(stream, side) as { digest: Uint8Array } | undefined;
      writeDigest.run(stream, side, chain(before?.digest ?? null));
      wrote();
    },
    differing(limit) {
      const streams = db.prepare(`select stream ${differ} order by stream limit ? + 0`).all(limit) as unknown as readonly { stream: string }[];
      const { total } = db.prepare(`select count(*) as total ${differ}`).get() as { total: number };
      return { streams: streams.map(({ stream }) => stream), total };
    },
    digests: (side) =>
      db.prepare("select stream, events, digest from digests where side = ? order by stream").iterate(side) as unknown as Iterable<StreamDigest>,
    close() {
      db.close();
    },
  };
}
