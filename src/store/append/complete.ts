import type { Catalog } from "../../catalog/catalog.ts";
import { toUtc } from "../../event/clock.ts";
import { type EventMetadata, type NewEvent, plainMetadata } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import type { EventInput } from "./event-input.ts";

/** The event with what its caller left out. */
export function complete(input: EventInput, catalog: Catalog, newId: NewId): NewEvent {
  return {
    id: input.id?.toLowerCase() ?? newId(), // RFC 9562: upper case is the same UUID
    type: input.type,
    schemaVersion: input.schemaVersion ?? catalog.describe(input.type)?.current ?? 1,
    source: input.source ?? input.callChain?.at(-1) ?? null,
    occurredAt: input.occurredAt === undefined ? null : toUtc(input.occurredAt),
    data: input.data,
    metadata: metadataOf(input),
  };
}

/** Its members in the order in which they are stored. One by one, because spreading each that may be there takes as long as encoding a small event. */
function metadataOf({ correlationId, causationId, traceparent, callChain, priority = "normal", contextRefs, extensions }: EventInput): EventMetadata {
  const others = correlationId ?? causationId ?? traceparent ?? callChain ?? contextRefs ?? extensions;
  if (others === undefined && priority === "normal") return plainMetadata;
  const metadata: { -readonly [M in keyof EventMetadata]: EventMetadata[M] } = {} as EventMetadata;
  if (correlationId !== undefined) metadata.correlationId = correlationId;
  if (causationId !== undefined) metadata.causationId = causationId;
  if (traceparent !== undefined) metadata.traceparent = traceparent;
  if (callChain !== undefined) metadata.callChain = callChain;
  metadata.priority = priority;
  if (contextRefs !== undefined) metadata.contextRefs = contextRefs;
  if (extensions !== undefined) metadata.extensions = extensions;
  return metadata;
}
