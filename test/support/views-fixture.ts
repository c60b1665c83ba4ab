import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Clock } from "../../src/event/clock.ts";
import type { Json, NewEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { handlerStream, journalStream, parseStreamName, replayStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import type { HandlerStreamData } from "../../src/records/handler.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import type { ReplayStreamData } from "../../src/records/replay.ts";
import type { RunningDeliveries } from "../../src/views/model/running.ts";
import { openViews, type ViewsOptions } from "../../src/views/open-views.ts";
import { makeFakeClock } from "./fake-clock.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { ordersCatalog } from "./views-history.ts";

type Entry = { readonly type: string; readonly data: unknown } & Partial<Omit<NewEvent, "type" | "data">>;

/** A log and views of it, with what writes journals by hand. The clock of both stands still unless moved. */
export function makeViewsFixture({ log: given, clock = makeFakeClock() }: { readonly log?: EventLog; readonly clock?: ReturnType<typeof makeFakeClock> } = {}) {
  const log = given ?? openMemoryLog({ clock });
  const file = join(temporaryFolder(), "data", "views.db");
  const running: { stream: string; revision: number; handler: string; stuck?: boolean }[] = [];
  const runningDeliveries: RunningDeliveries = {
    running: (handler) => running.filter((each) => each.handler === handler),
    condition: () => ({ state: "running", fault: null }),
  };

  async function append(stream: string, ...entries: readonly Entry[]): Promise<readonly StoredEvent[]> {
    const fresh = entries.map(
      (entry): NewEvent => ({
        schemaVersion: 1,
        source: stream.startsWith("reprise.") ? "reprise" : null,
        occurredAt: null,
        metadata: { priority: "normal" },
        ...entry,
        id: entry.id ?? newId(),
        data: entry.data as Json,
      }),
    );
    await log.append(stream, fresh, "any");
    const stored = await log.findByIds(
      parseStreamName(stream)!.tenant,
      fresh.map(({ id }) => id),
    );
    return stored.toSorted((a, b) => a.revision - b.revision);
  }

  return {
    log,
    file,
    clock,
    running,
    append,
    /** `count` events `order.paid`. */
    paid: (stream: string, count = 1, more: Partial<Entry> = {}) =>
      append(stream, ...Array.from({ length: count }, (_, index) => ({ type: "order.paid", data: { total: index }, ...more }))),
    configure: (handler: string, more: Partial<HandlerStreamData["handler.configured"]> = {}) =>
      append(handlerStream(handler), {
        type: "handler.configured",
        data: {
          types: { "order.paid": "0", "order.placed": "0" },
          ordering: "strict",
          start: "beginning",
          partitions: 1,
          journal: journalStream(handler),
          endpoint: null,
          ...more,
        },
      }),
    journal: (handler: string, ...entries: readonly JournalEvent[]) => append(journalStream(handler), ...entries),
    replay: <T extends keyof ReplayStreamData>(replayId: string, type: T, data: ReplayStreamData[T]) => append(replayStream(replayId), { type, data }),
    /** Started, and at the log's head. Closed when the test is over. */
    async open(options: Partial<ViewsOptions> & { readonly start?: boolean } = {}) {
      const views = await openViews({ file, log, catalog: ordersCatalog, clock: clock as Clock, running: runningDeliveries, ...options });
      onTestFinished(() => views.close());
      if (options.start === false) return views;
      views.start();
      await views.waitFor(await log.head());
      return views;
    },
  };
}

export function attemptRecord(attempt: number, more: Partial<AttemptRecord> = {}): AttemptRecord {
  const error = { type: "TypeError", message: "cannot read total" };
  return { attempt, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 3, outcome: "failed", class: "transient", error, ...more };
}

type About = { readonly lane: string; readonly revision: number; readonly at: string; readonly eventId: string };
export const about = ({ stream, revision, position, id }: StoredEvent): About => ({ lane: stream, revision, at: position.toString(), eventId: id });

export function deadLettered(event: StoredEvent, more: Partial<Extract<JournalEvent, { type: "delivery.dead_lettered" }>["data"]> = {}): JournalEvent {
  return {
    type: "delivery.dead_lettered",
    data: {
      ...about(event),
      attempts: 3,
      retryCount: 3,
      cause: "exhausted",
      error: { type: "TypeError", message: "cannot read total" },
      chain: "c",
      escalated: false,
      record: attemptRecord(3),
      ...more,
    },
  };
}

export function progress(
  checkpoint: bigint,
  ahead: readonly (readonly [StoredEvent, next?: number])[] = [],
  completed: readonly (About & { readonly record: AttemptRecord })[] = [],
): JournalEvent {
  return {
    type: "progress",
    data: {
      checkpoint: checkpoint.toString(),
      ahead: ahead.map(([event, next]) => [event.stream, next ?? event.revision + 1, event.position.toString()] as const),
      ...(completed.length > 0 ? { completed } : {}),
    },
  };
}
