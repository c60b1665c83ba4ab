/** From the wire's names to code's. */
import type { z } from "zod";
import { canonicalId } from "../../event/ids.ts";
import type { AskedTerms } from "../../records/replay.ts";
import { type Selection, toSelection as selectionOf } from "../../replay/selection.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import type { DeadLetterFilter } from "../../views/model.ts";
import type { deadLetterStatsQuery, eventRequest, planRequest, startReplayRequest } from "./requests.ts";

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Leaves out the members that are undefined: in code's shapes an optional member is absent. */
export function defined<T extends object>(members: T): Defined<T> {
  const kept: Record<string, unknown> = {};
  for (const name in members) if (members[name] !== undefined) kept[name] = members[name];
  return kept as Defined<T>;
}

export function toEventInput(event: z.output<typeof eventRequest>): EventInput {
  return defined({
    id: event.id,
    type: event.type,
    schemaVersion: event.schema_version,
    entity: event.entity,
    data: event.data,
    source: event.source,
    occurredAt: event.occurred_at,
    priority: event.priority,
    correlationId: event.correlation_id,
    causationId: event.causation_id,
    traceparent: event.traceparent,
    callChain: event.call_chain,
    contextRefs: event.context_refs,
  });
}

export function toDeadLetterFilter(wire: Omit<z.output<typeof deadLetterStatsQuery>, "after">): Omit<DeadLetterFilter, "tenant"> {
  return defined({
    eventType: wire.event_type,
    source: wire.source,
    handler: wire.handler,
    entityType: wire.entity_type,
    entityId: wire.entity_id,
    error: wire.error,
    cause: wire.cause,
    replayId: wire.replay_id === undefined ? undefined : canonicalId(wire.replay_id),
    sinceMs: wire.since,
    untilMs: wire.until,
  });
}

export function toSelection({ selection }: z.output<typeof planRequest>): Selection {
  if ("ids" in selection) return selectionOf({ ids: selection.ids });
  if ("dead_letters" in selection) {
    const { dead_letters: asked } = selection;
    return selectionOf({ deadLetters: toDeadLetterFilter("filter" in asked ? asked.filter : asked) });
  }
  const { handler, entity, event_types: types, since, until, from_position: fromPosition, to_position: toPosition } = selection.history;
  const filter = { types, entityType: entity?.type, entityId: entity?.id, sinceMs: since, untilMs: until, fromPosition, toPosition };
  return selectionOf({ history: { handler, ...defined(filter) } });
}

export function toTerms({ mode, rate_per_second, canary, stop_when, effects }: z.output<typeof startReplayRequest>): AskedTerms {
  return {
    mode,
    ...(rate_per_second === undefined ? {} : { ratePerSecond: rate_per_second }),
    effects: effects ?? "once",
    canary: canary === undefined ? null : { entities: canary.entities, holdSeconds: canary.hold_seconds },
    stopWhen: stop_when === undefined ? null : { failureRatio: stop_when.failure_ratio ?? null, failuresInARow: stop_when.failures_in_a_row ?? null },
  };
}
