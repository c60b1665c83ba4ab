import type { RecordedEvent } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { EventFilter, ReadAllOptions, ReadStreamOptions } from "../event-log.ts";
import type { EventStoreDbLogLimits } from "./limits.ts";
import { readAllPage, readStreamPage } from "./page.ts";
import { refuseWhenClosing, type Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";

/** Where an event stands. */
export interface Place {
  readonly stream: string;
  readonly revision: number;
}

export interface Reader {
  readAll(options: ReadAllOptions): AsyncGenerator<readonly StoredEvent[], void>;
  readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<readonly StoredEvent[], void>;
  /** The events at these revisions that are there, in order; no more at once than a batch has bytes. */
  readPlaces(stream: string, revisions: readonly number[]): AsyncGenerator<StoredEvent, void>;
  /** Revision of the last event that the server shows, −1 for none. */
  streamRevision(stream: string): Promise<number>;
  /** Position of the last event of this log. */
  head(): Promise<Position>;
  /** Position of the last event of the server, whoever wrote it. */
  serverHead(): Promise<Position>;
  /** The log is at least so long: spares head() a part of its search. */
  noteHead(position: Position): void;
}

/** Events that a filtered read looks at in one page. */
const scannedEvents = 2048;
const firstPageEvents = 64;
/** Revisions that may lie between two wanted ones, read together. */
const maxGap = 32;

/**
 * How many events to ask for: a few at first, then as many as are likely to fill a batch, so that large ones are not sent to be thrown away.
 * Twice as many as that, since a page that ends by itself costs less than one that is left.
 */
function makePageSize({ pageEvents, batchBytes }: EventStoreDbLogLimits) {
  let next = Math.min(firstPageEvents, pageEvents);
  return {
    get next() {
      return next;
    },
    learn(events: number, bytes: number) {
      const fitting = events === 0 ? pageEvents : Math.ceil((2 * batchBytes) / (bytes / events + 1));
      next = Math.max(2, Math.min(fitting, pageEvents));
    },
  };
}

export function makeReader(server: Server, truncations: Truncations): Reader {
  const { envelope, limits } = server;
  let knownHead = 0n;

  const serverHead = async () => {
    const [last] = (await readAllPage(server, "backward", null, 1, () => false)).events;
    return last?.position?.commit ?? 0n;
  };

  return {
    async *readAll({ after, direction = "forward", filter, limit = Number.MAX_SAFE_INTEGER, signal }) {
      signal?.throwIfAborted();
      const forward = direction === "forward";
      // The end is where the log ended when the read began: a consumer that appends for each event comes to an end.
      const last = await serverHead();
      /** Forward: the last position looked at; backward: the first one. Beyond this log's end other logs of the server have their events. */
      let reached: Position | null = forward ? (after ?? 0n) : after !== undefined && after <= (await this.head()) ? after : null;
      let left = limit;
      const pageSize = makePageSize(limits);
      while (left > 0 && (forward ? reached! < last : reached !== 0n)) {
        const count = filter === undefined ? Math.min(left + 1, pageSize.next) : Math.max(2, Math.ceil((pageSize.next * scannedEvents) / limits.pageEvents));
        const batch: StoredEvent[] = [];
        let bytes = 0;
        let progress = 0;
        let sentBytes = 0;
        const enough = (event: RecordedEvent) => {
          const position = event.position!.commit;
          if (forward ? position <= reached! : reached !== null && position >= reached) return false;
          if (forward && position > last) return true;
          reached = position;
          progress++;
          const decoded = envelope.decode(event);
          sentBytes += decoded?.bytes ?? 0;
          if (decoded === null || truncations.isHidden(decoded.event) || !matches(decoded.event, filter)) return false;
          batch.push(decoded.event);
          bytes += decoded.bytes;
          return batch.length >= Math.min(left, limits.pageEvents) || bytes >= limits.batchBytes;
        };
        const { cut } = await readAllPage(server, direction, reached, count, enough, signal);
        pageSize.learn(progress, sentBytes);
        if (batch.length > 0) yield batch;
        refuseWhenClosing(server);
        signal?.throwIfAborted();
        left -= batch.length;
        if (!cut || progress === 0) return;
      }
    },

    async *readStream(stream, { direction = "forward", from, limit = Number.MAX_SAFE_INTEGER, signal }) {
      signal?.throwIfAborted();
      const forward = direction === "forward";
      let left = limit;
      let next: number | null = forward ? Math.max(from ?? 0, 0) : (from ?? null);
      const head = forward || from !== undefined ? await this.streamRevision(stream) : -1;
      if (!forward && next !== null) next = Math.min(next, head);
      const pageSize = makePageSize(limits);
      while (left > 0 && (forward ? next! <= head : next === null || next >= 0)) {
        const batch: StoredEvent[] = [];
        let bytes = 0;
        let reached: number | null = null;
        const enough = (event: RecordedEvent) => {
          const revision = Number(event.revision);
          if (reached !== null && (forward ? revision <= reached : revision >= reached)) return false; // the page was begun again
          reached = revision;
          if (forward && revision > head) return true;
          const decoded = envelope.decode(event);
          if (decoded === null || truncations.isHidden(decoded.event)) return false;
          batch.push(decoded.event);
          bytes += decoded.bytes;
          return batch.length >= left || bytes >= limits.batchBytes;
        };
        const count = Math.min(left, pageSize.next, forward ? head - next! + 1 : Number.MAX_SAFE_INTEGER);
        const { cut } = await readStreamPage(server, stream, direction, next, count, enough, signal);
        pageSize.learn(batch.length, bytes);
        if (batch.length > 0) yield batch;
        refuseWhenClosing(server);
        signal?.throwIfAborted();
        left -= batch.length;
        if (!cut || reached === null) return;
        next = reached + (forward ? 1 : -1);
      }
    },

    async *readPlaces(stream, revisions) {
      const sorted = [...new Set(revisions)].toSorted((a, b) => a - b);
      const pageSize = makePageSize(limits);
      for (let first = 0; first < sorted.length; ) {
        let last = first;
        while (last + 1 < sorted.length && sorted[last + 1]! - sorted[last]! <= maxGap) last++;
        const wanted = new Set(sorted.slice(first, last + 1));
        for (let reached = sorted[first]! - 1; reached < sorted[last]!; ) {
          const events: StoredEvent[] = [];
          const before = reached;
          let bytes = 0;
          const enough = (recorded: RecordedEvent) => {
            const revision = Number(recorded.revision);
            if (revision <= reached) return false; // the page was begun again
            reached = revision;
            const decoded = envelope.decode(recorded);
            bytes += decoded?.bytes ?? 0;
            if (decoded !== null && wanted.has(revision) && !truncations.isHidden(decoded.event)) events.push(decoded.event);
            return bytes >= limits.batchBytes;
          };
          const count = Math.min(sorted[last]! - before, pageSize.next);
          const { cut } = await readStreamPage(server, stream, "forward", before + 1, count, enough);
          pageSize.learn(reached - before, bytes);
          yield* events;
          if (!cut || reached === before) break;
        }
        first = last + 1;
      }
    },

    async streamRevision(stream) {
      const [last] = (await readStreamPage(server, stream, "backward", null, 1)).events;
      return last === undefined ? -1 : Number(last.revision);
    },

    async head() {
      let from: Position | null = null;
      for (let count = 1; ; count = Math.min(count * 16, scannedEvents)) {
        let found: Position | null = null;
        const { events, cut } = await readAllPage(server, "backward", from, count, (event) => {
          const position = event.position!.commit;
          if (position > knownHead && envelope.decode(event) === null) return false;
          found = position > knownHead ? position : knownHead;
          return true;
        });
        if (found !== null) {
          knownHead = found;
          return found;
        }
        if (!cut) return knownHead;
        from = events.at(-1)!.position!.commit;
      }
    },
    serverHead,
    noteHead(position) {
      if (position > knownHead) knownHead = position;
    },
  };
}

export function matches(event: StoredEvent, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true;
  if ("types" in filter) return filter.types.includes(event.type);
  return filter.streamPrefixes.some((prefix) => event.stream.startsWith(prefix));
}

/** @throws REQUEST_INVALID above 1000. */
export function checkIds(ids: readonly string[]): void {
  if (ids.length > 1000) throw new RepriseError("REQUEST_INVALID", `At most 1000 ids are looked up at once, not ${ids.length}.`);
}
