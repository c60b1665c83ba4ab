import type { Catalog } from "../../catalog/catalog.ts";
import { toUtc } from "../../event/clock.ts";
import type { EventMetadata, NewEvent } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import type { EventInput } from "./event-input.ts";

/** The event with what its caller left out. */
export function complete(input: EventInput, catalog: Catalog, newId: NewId): NewEvent {
  const { correlationId, causationId, traceparent, callChain, priority = "normal", contextRefs, extensions } = input;
  const metadata: EventMetadata = {
    ...(correlationId !== undefined && { correlationId }),
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(callChain !== undefined && { callChain }),
    priority,
    ...(contextRefs !== undefined && { contextRefs }),
    ...(extensions !== undefined && { extensions }),
  };
  return {
    id: input.id?.toLowerCase() ?? newId(), // RFC 9562: upper case is the same UUID
    type: input.type,
    schemaVersion: input.schemaVersion ?? catalog.describe(input.type)?.current ?? 1,
    source: input.source ?? callChain?.at(-1) ?? null,
    occurredAt: input.occurredAt === undefined ? null : toUtc(input.occurredAt),
    data: input.data,
    metadata,
  };
}
