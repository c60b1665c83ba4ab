/** The checks that every adapter makes before it stores anything, so that one log can be copied into another. Pure. */
import { isDeepStrictEqual } from "node:util";
import { RepriseError } from "../errors.ts";
import { type NewEvent, plainMetadata } from "../event/event.ts";
import { isUuid } from "../event/ids.ts";
import { logStream, tenantOfStream, truncatedStream } from "../event/names.ts";
import { writeJson } from "../event/written-json.ts";
import { type AppendHow, type ExpectedRevision, maxAppendBytes, maxAppendEvents } from "./event-log.ts";

/** An event with its JSON, which is made once and then measured, compared and stored. */
export interface EncodedEvent {
  /** Without its data, so that nothing holds that until the event is stored: of 64 events at once, each collection of garbage would copy it. */
  readonly event: Omit<NewEvent, "data">;
  readonly data: string;
  readonly metadata: string;
  /** UTF-8 bytes of the parts, and `envelopeBytes`. */
  readonly bytes: number;
}

export interface EncodedAppend {
  readonly stream: string;
  readonly tenant: string;
  readonly events: readonly EncodedEvent[];
  /** Of the events, in their order. */
  readonly ids: readonly string[];
  /** No stored event has them. */
  readonly idsAreNew: boolean;
  readonly expected: ExpectedRevision;
  /** The times at which the events were recorded, in their order; null: now. */
  readonly recordedAt: readonly string[] | null;
  readonly bytes: number;
}

/** As `toIso` writes it. */
export const recordedAtPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Allowed for each event beside its texts: ids, numbers and the names that an EventStoreDB server wants around them. */
const envelopeBytes = 200;

/**
 * Makes the checks of an append that need no look at the log, and encodes it.
 *
 * @throws REQUEST_INVALID for what no log can hold, APPEND_TOO_LARGE above `maxAppendBytes`, EVENT_ID_REUSED for an id twice in one append.
 */
export function encodeAppend(
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision,
  { recordedAt, idsAreNew }: AppendHow = {},
): EncodedAppend {
  const tenant = tenantOf(stream);
  if (events.length < 1 || events.length > maxAppendEvents)
    throw new RepriseError("REQUEST_INVALID", `An append takes 1 to ${maxAppendEvents} events, not ${events.length}.`);
  if (expected !== "any" && expected !== "none" && !(Number.isSafeInteger(expected) && expected >= -1))
    throw new RepriseError("REQUEST_INVALID", `An expected revision is "any", "none" or a whole number, not ${String(expected)}.`);
  if (recordedAt !== undefined && !(recordedAt.length === events.length && recordedAt.every(isRecordedAt)))
    throw new RepriseError("REQUEST_INVALID", "Times of recording are as many as the events, RFC 3339 UTC with milliseconds.");
  const first = encodeEvent(events[0]!, idsAreNew === true);
  const encoded = [first];
  let { bytes } = first;
  // Beyond the limit, the rest would hold the thread for nothing.
  for (let index = 1; index < events.length && bytes <= maxAppendBytes; index++) {
    const one = encodeEvent(events[index]!, idsAreNew === true);
    bytes += one.bytes;
    encoded.push(one);
  }
  const ids = events.length === 1 ? [first.event.id] : events.map(({ id }) => id);
  const twice = firstRepeated(ids);
  if (twice !== undefined) throw new RepriseError("EVENT_ID_REUSED", `Event id ${twice} is twice in one append.`, { fields: { eventIds: [twice] } });
  if (bytes > maxAppendBytes) throw appendTooLarge(stream, bytes);
  return { stream, tenant, events: encoded, ids, idsAreNew: idsAreNew === true, expected, recordedAt: recordedAt ?? null, bytes };
}

/** @param bytes a lower bound. */
export function appendTooLarge(stream: string, bytes: number): RepriseError {
  return new RepriseError("APPEND_TOO_LARGE", `The append to ${stream} has ${bytes} bytes or more; the limit is ${maxAppendBytes}.`, {
    fields: { bytes, maxBytes: maxAppendBytes },
  });
}

function isRecordedAt(time: string): boolean {
  return recordedAtPattern.test(time) && !Number.isNaN(Date.parse(time));
}

function firstRepeated(ids: readonly string[]): string | undefined {
  if (ids.length === 1) return undefined;
  const seen = new Set(ids);
  return seen.size === ids.length ? undefined : ids.find((id) => !seen.delete(id));
}

/** @throws REQUEST_INVALID for a name that is no stream's: without a tenant, empty, too long, or not well-formed text. */
export function tenantOf(stream: string): string {
  const tenant = tenantOfStream(stream);
  if (tenant === null || stream.length > 512 || !stream.isWellFormed())
    throw new RepriseError("REQUEST_INVALID", "The stream's name is not <tenant>.<entity type>-<entity id>.");
  return tenant;
}

/** @throws REQUEST_INVALID for `reprise.log`, which holds the log's own id, and for what is not a revision. */
export function checkTruncate(stream: string, before: number): void {
  tenantOf(stream);
  if (stream === truncatedStream) throw new RepriseError("REQUEST_INVALID", `${truncatedStream} says what is truncated: the log shortens it by itself.`);
  if (stream === logStream) throw new RepriseError("REQUEST_INVALID", `${logStream} holds the log's id and is never truncated.`);
  if (!Number.isSafeInteger(before) || before < 0) throw new RepriseError("REQUEST_INVALID", `A stream is truncated before a revision, not ${before}.`);
}

/** True when a stored event has the same type, version and data as `event`. The order of members in an object has no meaning. */
export function sameContent(stored: { readonly type: string; readonly schemaVersion: number; readonly data: string }, event: EncodedEvent): boolean {
  return (
    stored.type === event.event.type &&
    stored.schemaVersion === event.event.schemaVersion &&
    (stored.data === event.data || isDeepStrictEqual(JSON.parse(stored.data), JSON.parse(event.data)))
  );
}

/** @throws REVISION_CONFLICT when a stream at `actual` (−1: there is none) is not where the append expects it. */
export function checkRevision(stream: string, expected: ExpectedRevision, actual: number): void {
  if (expected === "any" || (expected === "none" ? -1 : expected) === actual) return;
  const is = actual === -1 ? "does not exist" : `is at revision ${actual}`;
  throw new RepriseError("REVISION_CONFLICT", `Stream ${stream} ${is}; the append expected ${expected === "none" ? "no stream" : `revision ${expected}`}.`, {
    fields: { expected, actual },
  });
}

const plainText = JSON.stringify(plainMetadata);

/** Encodings that are kept for the append to come. */
const kept = new WeakMap<NewEvent, EncodedEvent>();

/** Keeps an encoding for the append of the same events: whoever calls it lets nobody change them meanwhile. */
export function keepEncoding(events: readonly NewEvent[], encoded: EncodedAppend): void {
  for (const [index, event] of events.entries()) kept.set(event, encoded.events[index]!);
}

/** @param isMadeHere its id needs no check. */
function encodeEvent(event: NewEvent, isMadeHere: boolean): EncodedEvent {
  const known = kept.get(event);
  if (known !== undefined) {
    kept.delete(event); // what a table holds that has grown old seems to be in use, and this one holds its own key
    return known;
  }
  const { id, type, schemaVersion, source, occurredAt, metadata } = event;
  if (!isMadeHere && !isUuid(id)) throw new RepriseError("REQUEST_INVALID", "An event id must be a UUID.");
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1)
    throw new RepriseError("REQUEST_INVALID", `A schema version is a whole number from 1, not ${schemaVersion}.`);
  if (!type.isWellFormed() || source?.isWellFormed() === false || occurredAt?.isWellFormed() === false)
    throw new RepriseError("REQUEST_INVALID", "An event's type, source and time must be well-formed Unicode.");
  const data = writeJson(event.data);
  const written = metadata === plainMetadata ? plainText : JSON.stringify(metadata);
  const bytes =
    envelopeBytes +
    Buffer.byteLength(data) +
    Buffer.byteLength(written) +
    Buffer.byteLength(type) +
    Buffer.byteLength(source ?? "") +
    Buffer.byteLength(occurredAt ?? "");
  return { event: { id, type, schemaVersion, source, occurredAt, metadata }, data, metadata: written, bytes };
}
