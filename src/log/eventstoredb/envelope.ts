/**
 * The envelope as it stands in EventStoreDB: stream, type, id and data natively, `$correlationId` and `$causationId` as the server names them,
 * and the rest as JSON in the event's metadata, so that a reader in any language finds it.
 *
 * Events of other programs are read by these rules:
 * - Streams whose names do not parse as `<tenant>.<…>`, or begin with `$`, are not ours and are passed over. So are link events.
 * - An event without `schemaVersion` has version 1. Members of its metadata that have a wrong kind are left out, and so is binary metadata.
 * - When its data is not JSON, or its `schemaVersion` is no whole number from 1, an event cannot be decoded, and is counted. In an entity's stream it comes as
 *   damaged, so that it stops its lane (for handlers that want its type) and shows in lists. In other streams it is passed over.
 * - JSON that does not parse arrives from the client as a text, and stays a text.
 */
import { toIso } from "../../event/clock.ts";
import { type ContextRef, type EventMetadata, type Json, priorities, type StoredEvent } from "../../event/event.ts";
import { isEntityStream, parseStreamName } from "../../event/names.ts";
import { type EncodedEvent, recordedAtPattern } from "../append-rules.ts";
import type { Proposed } from "./wire/append-request.ts";
import type { Recorded } from "./wire/recorded.ts";

/** A stored event, and how many bytes its data and metadata take. */
export interface Decoded {
  readonly event: StoredEvent;
  readonly bytes: number;
}

/** The event with its data, which takes most of the time of decoding it. */
export function withData(event: StoredEvent, recorded: Recorded): StoredEvent {
  return event.damage === undefined ? { ...event, data: recorded.data as Json } : event;
}

export interface Envelope {
  /** The name of a stream on the server. */
  nativeName(stream: string): string;
  /** Null for a stream that is none of ours. */
  ownName(native: string): string | null;
  encode(event: EncodedEvent, recordedAt: string): Proposed;
  /** Null for an event that is not ours or cannot be decoded. Its data is null; `withData` puts it in. */
  decode(recorded: Recorded): Decoded | null;
  /** Events in our streams that could not be decoded, each time they were read. */
  readonly passedOver: number;
}

/** @param namespace stands before the name of each stream; logs of different namespaces know nothing of each other. */
export function makeEnvelope(namespace: string): Envelope {
  let passedOver = 0;
  const ownName = (native: string) => {
    if (native.startsWith("$") || !native.startsWith(namespace)) return null;
    const stream = native.slice(namespace.length);
    return stream.length <= 512 && parseStreamName(stream) !== null ? stream : null;
  };

  return {
    get passedOver() {
      return passedOver;
    },
    nativeName: (stream) => namespace + stream,
    ownName,
    encode({ event, data }, recordedAt) {
      return { id: event.id, type: event.type, data, metadata: metadataText(event, recordedAt) };
    },
    decode(recorded) {
      const stream = ownName(recorded.streamId);
      if (stream === null || recorded.type === "$>") return null;
      const name = parseStreamName(stream)!;
      const metadata = recorded.metadata;
      const own: Readonly<Record<string, unknown>> = isObject(metadata) ? metadata : {};
      const schemaVersion = own.schemaVersion ?? 1;
      const how = !recorded.isJson ? "its data is not JSON" : isVersion(schemaVersion) ? null : "its schemaVersion is no whole number from 1";
      if (how !== null || recorded.type.startsWith("$") || !isVersion(schemaVersion)) {
        passedOver++;
        // In an entity's stream the event keeps its place in line, and no later event may pass it unseen.
        if (how === null || recorded.type.startsWith("$") || !isEntityStream(stream)) return null;
        return { event: undecodable(recorded, stream, how), bytes: 0 };
      }
      const recordedAt = text(own.recordedAt);
      const event: StoredEvent = {
        id: recorded.id,
        type: recorded.type,
        schemaVersion,
        source: text(own.source) ?? null,
        occurredAt: text(own.occurredAt) ?? null,
        data: null,
        metadata: metadataOf(own),
        stream,
        tenant: name.tenant,
        entity: name.entity,
        revision: recorded.revision,
        position: recorded.position,
        recordedAt: recordedAt !== undefined && recordedAtPattern.test(recordedAt) ? recordedAt : toIso(recorded.createdMs),
      };
      return { event, bytes: recorded.bytes };
    },
  };
}

function undecodable(recorded: Recorded, stream: string, how: string): StoredEvent {
  const { revision, position } = recorded;
  const { tenant, entity } = parseStreamName(stream)!;
  return {
    ...{ id: recorded.id, type: recorded.type, schemaVersion: 1, source: null, occurredAt: null, data: null, metadata: { priority: "normal" } },
    ...{ stream, tenant, entity, revision, position, recordedAt: toIso(recorded.createdMs) },
    damage: { detail: `position ${position} (${stream}, revision ${revision}): ${how}`, typeDoubtful: false },
  };
}

/** The event's metadata on the server. The text is put together by hand, because making an object with spread members costs a tenth of an append. */
function metadataText({ schemaVersion, source, occurredAt, metadata }: EncodedEvent["event"], recordedAt: string): string {
  let text = `{"schemaVersion":${schemaVersion},"recordedAt":"${recordedAt}"`;
  if (source !== null) text += `,"source":${JSON.stringify(source)}`;
  if (occurredAt !== null) text += `,"occurredAt":${JSON.stringify(occurredAt)}`;
  for (const name of Object.keys(metadata) as (keyof EventMetadata)[]) {
    const json = JSON.stringify(metadata[name]) as string | undefined;
    if (json !== undefined) text += `,${name === "correlationId" || name === "causationId" ? `"$${name}"` : JSON.stringify(name)}:${json}`;
  }
  return `${text}}`;
}

function metadataOf(metadata: Readonly<Record<string, unknown>>): EventMetadata {
  const { $correlationId, $causationId, traceparent, callChain, priority, contextRefs, extensions } = metadata;
  const own: { -readonly [name in keyof EventMetadata]: EventMetadata[name] } = { priority: priorities.find((known) => known === priority) ?? "normal" };
  if (typeof $correlationId === "string") own.correlationId = $correlationId;
  if (typeof $causationId === "string") own.causationId = $causationId;
  if (typeof traceparent === "string") own.traceparent = traceparent;
  if (Array.isArray(callChain) && callChain.every((agent) => typeof agent === "string")) own.callChain = callChain as string[];
  if (Array.isArray(contextRefs) && contextRefs.every(isContextRef)) own.contextRefs = contextRefs;
  if (isObject(extensions) && Object.values(extensions).every((value) => ["string", "number", "boolean"].includes(typeof value)))
    own.extensions = extensions as NonNullable<EventMetadata["extensions"]>;
  return own;
}

function isContextRef(value: unknown): value is ContextRef {
  return isObject(value) && typeof value.kind === "string" && typeof value.ref === "string";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
