/** What an EventStoreDB keeps, in memory, with its rules for revisions, repeats, truncation and deletion. Knows nothing of gRPC. */

export type Expected = bigint | "any" | "none" | "exists";

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Recorded extends Proposed {
  readonly stream: string;
  readonly revision: number;
  /** Where the record begins in the log file; commit and prepare position are both this. */
  readonly position: number;
  readonly createdMs: number;
}

export type AppendResult =
  | { readonly is: "stored"; readonly revision: number; readonly position: number; readonly first: number }
  /** The very ids are there already; the real server gives no dependable position then. */
  | { readonly is: "repeated"; readonly revision: number }
  | { readonly is: "wrong-expected-version"; readonly actual: number }
  | { readonly is: "deleted" }
  | { readonly is: "too-large" };

export type StreamRead = { readonly is: "found"; readonly records: readonly Recorded[] } | { readonly is: "not-found" } | { readonly is: "deleted" };

interface Stream {
  readonly records: Map<number, Recorded>;
  last: number;
  tombstoned: boolean;
}

export const maxAppendBytes = 1024 * 1024;
/** What `$tb` says of a soft-deleted stream, and the revision of a tombstone (as near as a number comes). */
const allDeleted = Number(2n ** 63n - 1n);
export const tombstoneRevision = allDeleted;
/** Around data, metadata and names in the real one's records, about. */
const recordOverheadBytes = 96;

export interface Database {
  /** Every record that was not scavenged, in the order of positions. */
  readonly log: readonly Recorded[];
  append(stream: string, events: readonly Proposed[], expected: Expected): AppendResult;
  readStream(stream: string, from: number | "start" | "end", direction: "forward" | "backward", count: number): StreamRead;
  /** Index of the first record at or after the position. */
  indexOf(position: number): number;
  /** True where a record begins or began, also when a scavenge has removed it. */
  isPlace(position: number): boolean;
  /** Hides the stream's events; an append begins it again with the next revision. */
  softDelete(stream: string): AppendResult;
  tombstone(stream: string): AppendResult;
  /** What an append with `any` is compared with is forgotten, as after a restart or 100,000 other events. */
  forgetIds(): void;
  /** Removes for good what is truncated or deleted; the last event of a stream stays, as the real one keeps it. */
  scavenge(): void;
  /** Called after each append; the answer ends that. */
  onAppend(listener: () => void): () => void;
}

export function makeDatabase(now: () => number): Database {
  let log: Recorded[] = [];
  let nextPosition = 1_318;
  const streams = new Map<string, Stream>();
  const knownIds = new Map<string, Recorded>();
  const places = new Set<number>();
  const listeners = new Set<() => void>();

  const metadataOf = (name: string): { $tb?: number; $maxCount?: number; $maxAge?: number } => {
    const meta = streams.get(`$$${name}`);
    const record = meta?.records.get(meta.last);
    if (record === undefined) return {};
    try {
      return JSON.parse(Buffer.from(record.data).toString()) as { $tb?: number; $maxCount?: number; $maxAge?: number };
    } catch {
      return {};
    }
  };
  /** The first revision that a read shows. */
  const firstVisible = (name: string, { last, records }: Stream): number => {
    if (name.startsWith("$$")) return last;
    const { $tb = 0, $maxCount, $maxAge } = metadataOf(name);
    let first = Math.max($tb, $maxCount === undefined ? 0 : last - $maxCount + 1);
    if ($maxAge !== undefined) while (first <= last && (records.get(first)?.createdMs ?? 0) < now() - $maxAge * 1000) first++;
    return first;
  };
  const write = (name: string, stream: Stream, event: Proposed): Recorded => {
    stream.last++;
    const record: Recorded = { ...event, stream: name, revision: stream.last, position: nextPosition, createdMs: now() };
    nextPosition += recordOverheadBytes + event.data.length + event.metadata.length + event.type.length + Buffer.byteLength(name);
    stream.records.set(record.revision, record);
    log.push(record);
    places.add(record.position);
    knownIds.set(event.id, record);
    return record;
  };
  const at = (name: string): Stream => {
    const found = streams.get(name);
    if (found !== undefined) return found;
    const made: Stream = { records: new Map(), last: -1, tombstoned: false };
    streams.set(name, made);
    return made;
  };
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const isSoftDeleted = (name: string) => metadataOf(name).$tb === allDeleted;

  const append = (name: string, events: readonly Proposed[], expected: Expected): AppendResult => {
    const stream = streams.get(name) ?? { records: new Map(), last: -1, tombstoned: false };
    if (stream.tombstoned) return { is: "deleted" };
    const bytes = events.reduce((sum, { data, metadata, type }) => sum + data.length + metadata.length + type.length, 0);
    if (bytes > maxAppendBytes) return { is: "too-large" };
    const first = events[0];
    if (first === undefined) return { is: "repeated", revision: stream.last };
    if (expected === "any" || expected === "exists") {
      if (expected === "exists" && stream.last === -1) return { is: "wrong-expected-version", actual: -1 };
      const known = events.map(({ id }) => knownIds.get(id));
      if (known[0]?.stream === name) {
        if (known.every((record) => record?.stream === name)) return { is: "repeated", revision: known.at(-1)!.revision };
        return { is: "wrong-expected-version", actual: stream.last };
      }
    } else {
      const wanted = expected === "none" ? -1 : Number(expected);
      const fits = wanted === stream.last || (expected === "none" && isSoftDeleted(name));
      if (!fits) {
        const same = events.every(({ id }, i) => stream.records.get(wanted + 1 + i)?.id === id);
        return same ? { is: "repeated", revision: wanted + events.length } : { is: "wrong-expected-version", actual: stream.last };
      }
    }
    if (isSoftDeleted(name)) {
      const metadata = { ...metadataOf(name), $tb: stream.last + 1 };
      write(`$$${name}`, at(`$$${name}`), systemEvent("$metadata", metadata));
    }
    streams.set(name, stream);
    const stored = events.map((event) => write(name, stream, event));
    tell();
    const { revision, position } = stored.at(-1)!;
    return { is: "stored", revision, position, first: stored[0]!.revision };
  };

  return {
    get log() {
      return log;
    },
    append,
    readStream(name, from, direction, count) {
      const stream = streams.get(name);
      if (stream?.tombstoned || (name.startsWith("$$") && streams.get(name.slice(2))?.tombstoned)) return { is: "deleted" };
      if (stream === undefined || stream.last === -1 || isSoftDeleted(name)) return { is: "not-found" };
      const first = firstVisible(name, stream);
      const records: Recorded[] = [];
      if (direction === "forward") {
        const begin = from === "start" ? 0 : from === "end" ? stream.last + 1 : from;
        for (let revision = Math.max(begin, first); revision <= stream.last && records.length < count; revision++) {
          const record = stream.records.get(revision);
          if (record !== undefined) records.push(record);
        }
      } else {
        const begin = from === "end" ? stream.last : from === "start" ? 0 : from;
        for (let revision = Math.min(begin, stream.last); revision >= first && records.length < count; revision--) {
          const record = stream.records.get(revision);
          if (record !== undefined) records.push(record);
        }
      }
      return { is: "found", records };
    },
    indexOf(position) {
      let low = 0;
      let high = log.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (log[middle]!.position < position) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    isPlace: (position) => places.has(position),
    softDelete(name) {
      const stream = streams.get(name);
      if (stream?.tombstoned) return { is: "deleted" };
      if (stream === undefined) return { is: "wrong-expected-version", actual: -1 };
      return append(`$$${name}`, [systemEvent("$metadata", { ...metadataOf(name), $tb: allDeleted })], "any");
    },
    tombstone(name) {
      const stream = at(name);
      if (stream.tombstoned) return { is: "deleted" };
      stream.last = tombstoneRevision - 1; // so that the tombstone has its own
      const record = write(name, stream, systemEvent("$streamDeleted", {}));
      stream.tombstoned = true;
      tell();
      return { is: "stored", revision: record.revision, position: record.position, first: record.revision };
    },
    forgetIds: () => knownIds.clear(),
    scavenge() {
      log = log.filter((record) => {
        const stream = streams.get(record.stream)!;
        const keep = record.revision === stream.last || (!stream.tombstoned && record.revision >= firstVisible(record.stream, stream));
        if (!keep) stream.records.delete(record.revision);
        return keep;
      });
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function systemEvent(type: string, data: unknown): Proposed {
  return { id: crypto.randomUUID(), type, contentType: "application/json", data: Buffer.from(JSON.stringify(data)), metadata: new Uint8Array() };
}
