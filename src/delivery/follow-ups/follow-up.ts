/** The event that a handler appends because of the one that it was given: what it does not say comes from there. */
import { currentVersion, type EventDefinition } from "../../catalog/define.ts";
import type { CurrentEvent, Entity, Json } from "../../event/event.ts";
import { isAgent, isMark, isTraceparent, maxCallChain } from "../../event/marks.ts";
import type { FollowUpOptions } from "../handler-context.ts";

export interface FollowUp extends Omit<FollowUpOptions, "key"> {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly entity: Entity;
  readonly data: Json;
  /** The handler. */
  readonly source: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly callChain: readonly string[];
  readonly traceparent?: string;
}

interface Asked {
  readonly definition: EventDefinition;
  readonly entity: Entity;
  readonly data: unknown;
  readonly options: FollowUpOptions;
}

/** Marks that another program wrote into the cause, and that no append may have, are left out: they must not keep the handler from its work. */
export function makeFollowUp(cause: CurrentEvent, handler: string, id: string, { definition, entity, data, options }: Asked): FollowUp {
  const { correlationId, traceparent } = cause.metadata;
  const causeId = cause.origin?.id ?? cause.id; // a part of a split event is not in the log
  const { key: _, ...members } = options;
  return {
    ...members,
    id,
    type: definition.type,
    schemaVersion: currentVersion(definition),
    entity,
    data: data as Json,
    source: handler,
    correlationId: correlationId !== undefined && isMark(correlationId) ? correlationId : causeId,
    causationId: causeId,
    callChain: chainOf(cause, handler),
    ...(traceparent !== undefined && isTraceparent(traceparent) ? { traceparent } : {}),
  };
}

/** The cause's chain and the handler. Of a longer one its first agent and the last ones: a process of many steps must not end at the limit of the chain. */
function chainOf({ source, metadata }: CurrentEvent, handler: string): readonly string[] {
  const before = (metadata.callChain ?? (source === null ? [] : [source])).filter(isAgent);
  const kept = before.length < maxCallChain ? before : [before[0]!, ...before.slice(2 - maxCallChain)];
  return [...kept, handler];
}
