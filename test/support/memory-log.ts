import { RepriseError } from "../../src/errors.ts";
import { type Clock, systemClock, toIso } from "../../src/event/clock.ts";
import type { Json, StoredEvent } from "../../src/event/event.ts";
import { freezeDeep } from "../../src/event/freeze-deep.ts";
import { newId } from "../../src/event/ids.ts";
import { logStream, parseStreamName } from "../../src/event/names.ts";
import { checkRevision, checkTruncate, type EncodedAppend, encodeAppend, sameContent, tenantOf } from "../../src/log/append-rules.ts";
import type { AppendedEvent, EventFilter, EventLog } from "../../src/log/event-log.ts";

export interface MemoryLogOptions {
  readonly clock?: Pick<Clock, "now">;
  readonly logId?: string;
  /** Events in one batch of a read or a subscription. */
  readonly batchSize?: number;
}

export interface MemoryLog extends EventLog {
  /** Another handle on the same events, as after a restart. */
  reopen(): MemoryLog;
}

interface Content {
  readonly logId: string;
  /** Index = position − 1; null: truncated, its position stays taken. */
  readonly slots: (StoredEvent | null)[];
  readonly streams: Map<string, { events: StoredEvent[]; revision: number }>;
  /** By `<tenant>\n<id>`. */
  readonly ids: Map<string, StoredEvent>;
  lastMs: number;
}

/** Looked at for one batch of a subscription, at most. */
const scannedPerBatch = 4096;
/** Characters of data in one batch, about; one event is a batch whatever its size. */
const batchChars = 2 * 1024 * 1024;

/**
 * An event log in memory that keeps the port's promises, durability aside: for tests that need speed. It passes the contract suite.
 * Stored events are deeply frozen, so that whoever changes one fails.
 */
export function openMemoryLog({ clock = systemClock, logId = newId(), batchSize = 256 }: MemoryLogOptions = {}): MemoryLog {
  const content: Content = { logId, slots: [], streams: new Map(), ids: new Map(), lastMs: 0 };
  const created = {
    id: newId(),
    type: "log.created",
    schemaVersion: 1,
    source: null,
    occurredAt: null,
    data: { logId },
    metadata: { priority: "normal" },
  } as const;
  append(content, encodeAppend(logStream, [created], "none"), clock.now());
  return openHandle(content, clock, batchSize);
}

function append(content: Content, { stream, tenant, events, expected, recordedAt }: EncodedAppend, nowMs: number): readonly AppendedEvent[] {
  const { slots, streams, ids } = content;
  const known = events.map(({ event }) => ids.get(`${tenant}\n${event.id}`));
  const repeated = known.filter((stored) => stored !== undefined);
  if (repeated.length > 0) {
    const same = known.every((stored, index) => stored?.stream === stream && sameContent({ ...stored, data: JSON.stringify(stored.data) }, events[index]!));
    if (same) return repeated.map((stored) => answer(stored, true));
    throw new RepriseError("EVENT_ID_REUSED", "Some of the event ids are known already, or with other content.", {
      fields: { eventIds: repeated.map(({ id }) => id) },
    });
  }
  const place = streams.get(stream) ?? { events: [], revision: -1 };
  checkRevision(stream, expected, place.revision);
  streams.set(stream, place);
  if (recordedAt === null) content.lastMs = Math.max(content.lastMs, nowMs);
  return events.map(({ event, data, metadata }, index) => {
    if (recordedAt !== null) content.lastMs = Math.max(content.lastMs, Date.parse(recordedAt[index]!));
    const stored = freezeDeep<StoredEvent>({
      id: event.id,
      type: event.type,
      schemaVersion: event.schemaVersion,
      source: event.source,
      occurredAt: event.occurredAt,
      data: JSON.parse(data) as Json,
      metadata: JSON.parse(metadata) as StoredEvent["metadata"],
      stream,
      tenant,
      entity: parseStreamName(stream)!.entity,
      revision: ++place.revision,
      position: BigInt(slots.length + 1),
      recordedAt: recordedAt?.[index] ?? toIso(content.lastMs),
    });
    slots.push(stored);
    place.events.push(stored);
    ids.set(`${tenant}\n${event.id}`, stored);
    return answer(stored, false);
  });
}

function openHandle(content: Content, clock: Pick<Clock, "now">, batchSize: number): MemoryLog {
  const { slots, streams, ids } = content;
  let wakers: (() => void)[] = [];
  let closed = false;

  const wakeAll = () => {
    const woken = wakers;
    wakers = [];
    for (const wake of woken) wake();
  };
  const refuseWhenClosed = () => {
    if (closed) throw new RepriseError("CLOSED", "The log is closed.");
  };

  return {
    logId: content.logId,
    async append(stream, events, expected, before) {
      refuseWhenClosed();
      const appended = append(content, encodeAppend(stream, events, expected, before), clock.now());
      wakeAll();
      return appended;
    },
    async findByIds(tenant, wanted) {
      refuseWhenClosed();
      if (wanted.length > 1000) throw new RepriseError("REQUEST_INVALID", "findByIds takes at most 1000 ids.");
      return [...new Set(wanted)].flatMap((id) => ids.get(`${tenant}\n${id}`) ?? []);
    },
    async *readStream(stream, { from, direction = "forward", limit = Number.POSITIVE_INFINITY, signal } = {}) {
      refuseWhenClosed();
      const last = streams.get(stream)?.revision ?? -1; // later appends are not read
      const step = direction === "forward" ? 1 : -1;
      let left = limit;
      let at = Math.min(from ?? (direction === "forward" ? 0 : last), direction === "forward" ? Number.POSITIVE_INFINITY : last);
      while (left > 0) {
        refuseWhenClosed();
        signal?.throwIfAborted();
        const events = streams.get(stream)?.events ?? [];
        const first = events[0]?.revision ?? last + 1; // what a truncation leaves has revisions without gap
        if (direction === "forward") at = Math.max(at, first);
        const batch = collect(Math.min(batchSize, left), () => (at < first || at > last ? undefined : events[(at += step) - step - first]));
        if (batch.length === 0) return;
        yield batch;
        left -= batch.length;
      }
    },
    async *readAll({ after, direction = "forward", filter, limit = Number.POSITIVE_INFINITY, signal } = {}) {
      refuseWhenClosed();
      const end = slots.length; // later appends are not read
      const step = direction === "forward" ? 1 : -1;
      let left = limit;
      /** Index of the next slot to look at. */
      let at = direction === "forward" ? Number(after ?? 0n) : Math.min(Number(after ?? end + 1) - 2, end - 1);
      const next = () => {
        while (at >= 0 && at < end) {
          const event = slots[at];
          at += step;
          if (event != null && matches(event, filter)) return event;
        }
        return undefined;
      };
      while (left > 0) {
        refuseWhenClosed();
        signal?.throwIfAborted();
        const batch = collect(Math.min(batchSize, left), next);
        if (batch.length === 0) return;
        yield batch;
        left -= batch.length;
      }
    },
    async *subscribe({ after, filter, signal }) {
      if (closed || signal.aborted) return;
      if (after > slots.length) throw new RepriseError("LOG_BEHIND_CHECKPOINT", `The log ends at position ${slots.length}.`);
      let at = Number(after);
      let toldLive = false;
      while (!closed && !signal.aborted) {
        const from = at;
        const events = collect(batchSize, () => {
          while (at < slots.length && at - from < scannedPerBatch) {
            const event = slots[at++];
            if (event != null && matches(event, filter)) return event;
          }
          return undefined;
        });
        const live = at === slots.length;
        const news = at > from || live !== toldLive;
        toldLive = live;
        if (news)
          yield { events, bytes: events.reduce((sum, { data, metadata }) => sum + JSON.stringify([data, metadata]).length, 0), position: BigInt(at), live };
        if (at < slots.length || closed || signal.aborted) continue;
        const { promise, resolve } = Promise.withResolvers<void>();
        const wake = () => resolve();
        wakers.push(wake);
        signal.addEventListener("abort", wake, { once: true });
        await promise;
        signal.removeEventListener("abort", wake);
      }
    },
    async streamRevision(stream) {
      refuseWhenClosed();
      return streams.get(stream)?.revision ?? -1;
    },
    async truncate(stream, before) {
      refuseWhenClosed();
      checkTruncate(stream, before);
      const place = streams.get(stream);
      if (place === undefined) return;
      for (const event of place.events.filter(({ revision }) => revision < before)) {
        slots[Number(event.position) - 1] = null;
        ids.delete(`${tenantOf(stream)}\n${event.id}`);
      }
      place.events = place.events.filter(({ revision }) => revision >= before);
    },
    async head() {
      refuseWhenClosed();
      return BigInt(slots.length);
    },
    async close() {
      closed = true;
      wakeAll();
    },
    reopen: () => openHandle(content, clock, batchSize),
  };
}

function answer({ id, revision, position, recordedAt }: StoredEvent, duplicate: boolean): AppendedEvent {
  return { id, revision, position, recordedAt, duplicate };
}

/** Takes from `next` until it has no more, or the batch is full. */
function collect(most: number, next: () => StoredEvent | undefined): readonly StoredEvent[] {
  const batch: StoredEvent[] = [];
  let chars = 0;
  while (batch.length < most && chars < batchChars) {
    const event = next();
    if (event === undefined) break;
    batch.push(event);
    chars += JSON.stringify(event.data).length;
  }
  return batch;
}

function matches(event: StoredEvent, filter: EventFilter | undefined): boolean {
  if (filter === undefined) return true;
  if ("types" in filter) return filter.types.includes(event.type);
  return filter.streamPrefixes.some((prefix) => event.stream.startsWith(prefix));
}
