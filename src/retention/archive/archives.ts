import type { Archive, ArchivedEvent, ArchivedStreamOptions } from "./archive.ts";
import { type ArchiveOptions, openArchive } from "./open-archive.ts";

/** All archives that a log's events have gone to, as one. */
export interface Archives {
  /** In the order in which they came into use; empty: nothing ever left the log. */
  all(): Promise<readonly Archive[]>;
  /** Where an event is; null: in none. @throws as an archive's reads */
  find(tenant: string, eventId: string): Promise<ArchivedEvent | null>;
  /** One stream's events, by revision, whichever archives they are in. @throws as an archive's reads */
  stream(stream: string, options?: ArchivedStreamOptions): AsyncIterable<ArchivedEvent>;
  /** The names of the segments that have some of a stream. @throws as an archive's reads */
  segmentsOf(stream: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** @param urls of the archives, asked each time: an archive may come into use while the service runs. */
export function makeArchives(urls: () => Promise<readonly string[]>, logId: string, options: ArchiveOptions = {}): Archives {
  const opened = new Map<string, Promise<Archive>>();
  let known: readonly string[] = [];
  const all = async (): Promise<readonly Archive[]> => {
    const named = await urls();
    known = named;
    for (const url of named) if (!opened.has(url)) opened.set(url, openArchive(url, logId, options));
    return Promise.all(named.map((url) => opened.get(url)!));
  };
  return {
    all,
    async find(tenant, eventId) {
      // Those that were there last time first: to ask which there are is a read of the log, and a replay looks for a hundred thousand events.
      for (const url of known) {
        const found = await (await opened.get(url)!).find(tenant, eventId);
        if (found !== null) return found;
      }
      const before = known;
      for (const archive of await all()) {
        if (before.includes(archive.url)) continue;
        const found = await archive.find(tenant, eventId);
        if (found !== null) return found;
      }
      return null;
    },
    async *stream(stream, how = {}) {
      const forward = how.direction !== "backward";
      const reads = (await all()).map((archive) => archive.stream(stream, how)[Symbol.asyncIterator]());
      yield* inOrder(reads, (a, b) => (forward ? a.event.revision - b.event.revision : b.event.revision - a.event.revision));
    },
    async segmentsOf(stream) {
      const names = await Promise.all((await all()).map((archive) => archive.segmentsOf(stream)));
      return names.flat();
    },
    async close() {
      for (const archive of await Promise.allSettled(opened.values())) if (archive.status === "fulfilled") await archive.value.close();
    },
  };
}

/** One order out of several. An event that is in two archives comes once. */
async function* inOrder(
  reads: readonly AsyncIterator<ArchivedEvent>[],
  compare: (a: ArchivedEvent, b: ArchivedEvent) => number,
): AsyncGenerator<ArchivedEvent, void> {
  const heads = await Promise.all(reads.map((read) => read.next()));
  let last: ArchivedEvent | null = null;
  try {
    for (;;) {
      const least = heads.reduce((best, { done, value }, index) => (done || (best >= 0 && compare(value, heads[best]!.value) >= 0) ? best : index), -1);
      if (least < 0) return;
      const event: ArchivedEvent = heads[least]!.value;
      heads[least] = await reads[least]!.next();
      if (last === null || compare(last, event) !== 0) yield event;
      last = event;
    }
  } finally {
    for (const read of reads) await read.return?.();
  }
}
