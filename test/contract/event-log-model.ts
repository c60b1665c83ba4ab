/** The log's rules in memory, as plainly as they can be said: what the adapters are compared with. */
import * as fc from "fast-check";
import type { NewEvent } from "../../src/event/event.ts";
import { parseStreamName } from "../../src/event/names.ts";
import type { ExpectedRevision } from "../../src/log/event-log.ts";

export interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
  readonly expected: ExpectedRevision;
}

/** An append's answer without what a model cannot know: positions and times. */
export type Answer = readonly { readonly id: string; readonly revision: number; readonly duplicate: boolean }[] | "REVISION_CONFLICT" | "EVENT_ID_REUSED";

interface ModelEvent {
  readonly stream: string;
  readonly revision: number;
  readonly event: NewEvent;
}

export interface Model {
  readonly log: readonly ModelEvent[];
  append(append: Append): Answer;
}

export function makeModel(): Model {
  const log: ModelEvent[] = [];
  return {
    log,
    append({ stream, events, expected }) {
      if (new Set(events.map(({ id }) => id)).size < events.length) return "EVENT_ID_REUSED";
      const tenant = parseStreamName(stream)?.tenant;
      const known = events.map(({ id }) => log.find((entry) => entry.event.id === id && parseStreamName(entry.stream)?.tenant === tenant));
      if (known.some((entry) => entry !== undefined)) {
        const same = known.every((entry, i) => entry !== undefined && entry.stream === stream && content(entry.event) === content(events[i]!));
        return same ? known.map((entry) => ({ id: entry!.event.id, revision: entry!.revision, duplicate: true })) : "EVENT_ID_REUSED";
      }
      const head = log.filter((entry) => entry.stream === stream).length - 1;
      if (expected !== "any" && (expected === "none" ? -1 : expected) !== head) return "REVISION_CONFLICT";
      return events.map((event, i) => {
        log.push({ stream, revision: head + 1 + i, event });
        return { id: event.id, revision: head + 1 + i, duplicate: false };
      });
    },
  };
}

const content = ({ type, schemaVersion, data }: NewEvent) => JSON.stringify([type, schemaVersion, data]);

/** Few streams, ids and contents, so that conflicts, repeats and reused ids are common. */
export const anAppend: fc.Arbitrary<Append> = fc.record({
  stream: fc.constantFrom("shop.order-1", "shop.order-2", "shop.item-1", "mill.order-1"),
  events: fc.array(
    fc.record({ id: fc.integer({ min: 1, max: 40 }), type: fc.constantFrom("order.placed", "order.paid"), value: fc.constantFrom(1, 1, 1, 2) }).map(
      ({ id, type, value }): NewEvent => ({
        id: `00000000-0000-4000-8000-${String(id).padStart(12, "0")}`,
        type: value === 1 ? "order.placed" : type,
        schemaVersion: 1,
        source: null,
        occurredAt: null,
        data: { value },
        metadata: { priority: "normal" },
      }),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  expected: fc.oneof(fc.constant("any" as const), fc.constant("none" as const), fc.integer({ min: 0, max: 6 })),
});
