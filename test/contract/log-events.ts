/** What the chapters of the contract, and other tests of logs, append and read. */
import { expect } from "vitest";
import { isRepriseError, RepriseError } from "../../src/errors.ts";
import type { Json, NewEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { logStream, truncatedStream } from "../../src/event/names.ts";
import type { AppendedEvent, EventLog, SubscribeOptions } from "../../src/log/event-log.ts";
import type { Answer, Append } from "./event-log-model.ts";

export function anEvent(data: Json = { total: 1 }): NewEvent {
  return { id: newId(), type: "order.placed", schemaVersion: 1, source: "test", occurredAt: "2026-01-02T03:04:05Z", data, metadata: { priority: "normal" } };
}

export async function flat(read: AsyncIterable<readonly StoredEvent[]>): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const batch of read) events.push(...batch);
  return events;
}

/** The log's events, without the one it begins with unless `own`. */
export async function stored(log: EventLog, options: Parameters<EventLog["readAll"]>[0] = {}, own = false): Promise<readonly StoredEvent[]> {
  return (await flat(log.readAll(options))).filter(({ stream }) => own || (stream !== logStream && stream !== truncatedStream));
}

export function streamOf(log: EventLog, stream: string): Promise<readonly StoredEvent[]> {
  return flat(log.readStream(stream));
}

/** The answer, or the code of the refusal. */
export async function settle(answer: Promise<readonly AppendedEvent[]>): Promise<readonly AppendedEvent[] | Extract<Answer, string>> {
  try {
    return await answer;
  } catch (error) {
    if (isRepriseError(error, "REVISION_CONFLICT", "EVENT_ID_REUSED")) return error.code as Extract<Answer, string>;
    throw error;
  }
}

export async function answerOf(log: EventLog, { stream, events, expected }: Append): Promise<Answer> {
  const answer = await settle(log.append(stream, events, expected));
  return typeof answer === "string" ? answer : answer.map(({ id, revision, duplicate }) => ({ id, revision, duplicate }));
}

export async function refuses(act: Promise<unknown>, code: RepriseError["code"], fields?: Readonly<Record<string, unknown>>): Promise<void> {
  const error = await act.then(
    () => expect.unreachable(`should have been refused with ${code}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RepriseError);
  expect((error as RepriseError).code).toBe(code);
  if (fields !== undefined) expect((error as RepriseError).fields).toEqual(fields);
}

/** A consumer that keeps what a subscription hands on. */
export function follow(log: EventLog, options: Omit<SubscribeOptions, "signal">) {
  const controller = new AbortController();
  const seen: StoredEvent[] = [];
  const waiting: { readonly position: bigint; resolve(): void }[] = [];
  let reached = options.after;
  let live = false;
  let batches = 0;
  const ended = (async () => {
    for await (const batch of log.subscribe({ ...options, signal: controller.signal })) {
      expect(batch.position).toBeGreaterThanOrEqual(reached);
      expect(batch.events.every(({ position }) => position > reached && position <= batch.position)).toBe(true);
      seen.push(...batch.events);
      reached = batch.position;
      live = batch.live;
      batches++;
      for (const { position, resolve } of waiting) if (reached >= position) resolve();
    }
  })();
  return {
    ended,
    live: () => live,
    batches: () => batches,
    reaches: (position: bigint) =>
      reached >= position ? Promise.resolve() : Promise.race([ended, new Promise<void>((resolve) => waiting.push({ position, resolve }))]),
    async stop(): Promise<readonly StoredEvent[]> {
      controller.abort();
      await ended;
      return seen;
    },
  };
}

export function ids(events: readonly { readonly id: string }[]): readonly string[] {
  return events.map(({ id }) => id);
}

export function rises(positions: readonly bigint[]): boolean {
  return positions.every((position, i) => i === 0 || position > positions[i - 1]!);
}
