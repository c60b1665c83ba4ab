import type { StoredEvent } from "../../event/event.ts";
import type { ReadAllOptions, ReadSteps, ReadStreamOptions, StreamRead, StreamWanted } from "../event-log.ts";
import { matches } from "../matches.ts";
import { collect } from "./batches.ts";
import type { Content } from "./content.ts";

export interface ReadNeeds {
  readonly content: Content;
  readonly batchSize: number;
  /** @throws CLOSED */
  readonly refuseWhenClosed: () => void;
}

const smallBatch = 32;
const sizeOf = (batchSize: number, steps: ReadSteps | undefined) => (steps === "small" ? Math.min(smallBatch, batchSize) : batchSize);

/** Later appends are not read. */
export async function* readStream(
  { content, batchSize, refuseWhenClosed }: ReadNeeds,
  stream: string,
  { from, direction = "forward", limit = Number.POSITIVE_INFINITY, steps, signal }: ReadStreamOptions,
): AsyncIterable<readonly StoredEvent[]> {
  refuseWhenClosed();
  const last = content.streams.get(stream)?.revision ?? -1;
  const step = direction === "forward" ? 1 : -1;
  let left = limit;
  let at = Math.min(from ?? (direction === "forward" ? 0 : last), direction === "forward" ? Number.POSITIVE_INFINITY : last);
  while (left > 0) {
    refuseWhenClosed();
    signal?.throwIfAborted();
    const events = content.streams.get(stream)?.events ?? [];
    const first = events[0]?.revision ?? last + 1; // what a truncation leaves has revisions without gap
    if (direction === "forward") at = Math.max(at, first);
    const batch = collect(Math.min(sizeOf(batchSize, steps), left), () => (at < first || at > last ? undefined : events[(at += step) - step - first]));
    if (batch.length === 0) return;
    yield batch;
    left -= batch.length;
  }
}

export function readStreams({ content, batchSize }: ReadNeeds, wanted: readonly StreamWanted[], limit: number): readonly StreamRead[] {
  const read: StreamRead[] = [];
  let left = batchSize;
  for (const { stream, from } of wanted) {
    if (left <= 0) break;
    const { revision: head = -1, events = [] } = content.streams.get(stream) ?? {};
    const at = Math.max(0, from - (events[0]?.revision ?? 0));
    const taken = events.slice(at, at + Math.min(limit, left));
    left -= taken.length;
    read.push({ head, events: taken });
  }
  return read;
}

/** Later appends are not read. */
export async function* readAll(
  { content: { slots }, batchSize, refuseWhenClosed }: ReadNeeds,
  { after, direction = "forward", filter, limit = Number.POSITIVE_INFINITY, steps, signal }: ReadAllOptions,
): AsyncIterable<readonly StoredEvent[]> {
  refuseWhenClosed();
  const end = slots.length;
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
    const batch = collect(Math.min(sizeOf(batchSize, steps), left), next);
    if (batch.length === 0) return;
    yield batch;
    left -= batch.length;
  }
}
