/** What a request to append brings, in each of the ways in which it may come: one event, a batch, or CloudEvents in their three modes. */
import type { FastifyRequest } from "fastify";
import { RepriseError } from "../../errors.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import { maxJudgedBytes } from "../../store/append/judged.ts";
import { cloudEventBatchType, cloudEventType, isBinaryMode, mediaType } from "../body.ts";
import { invalid, parse, parseEach, parseQuery } from "../parse.ts";
import { fromCloudEvent } from "../wire/cloud-event.ts";
import { fromCloudEvents } from "../wire/cloud-event-batch.ts";
import { fromBinaryMode, toHeaderPlace } from "../wire/cloud-event-headers.ts";
import { appendBatch, appendQuery, eventRequest, toEventInput } from "../wire/events.ts";
import { toCloudEventPlace, toWirePlace } from "../wire/names.ts";
import { readUsualEvent } from "../wire/usual-event.ts";

export interface Append {
  readonly events: EventInput | readonly EventInput[];
  readonly perSource?: EventInput | readonly (EventInput | undefined)[] | undefined;
  readonly expectedRevision: number | "any" | "none" | undefined;
  /** The append has nothing to check again. */
  readonly isJudged: boolean;
  /** Name places of the request in errors. */
  readonly pointer: (index: number) => string;
  readonly place: (path: string) => string;
}

/** @returns at once for a single event. @throws JSON_MALFORMED, REQUEST_INVALID */
export function readAppend(request: FastifyRequest): Append | Promise<Append> {
  const { body } = request;
  if (body === undefined) throw new RepriseError("JSON_MALFORMED", "The request has no body.");
  const isAsked = Object.keys(request.query as object).length > 0;
  const expectedRevision = isAsked ? parseQuery(appendQuery, request).expected_revision : undefined;
  const type = mediaType(request);
  if (type === cloudEventBatchType) return readBatch(body, expectedRevision);
  if (type === cloudEventType) {
    const { event, perSource } = fromCloudEvent(body);
    return { events: event, perSource, expectedRevision, isJudged: false, pointer: () => "#", place: toCloudEventPlace };
  }
  if (isBinaryMode(request)) {
    const { event, perSource } = fromBinaryMode({ rawHeaders: request.raw.rawHeaders, contentType: request.headers["content-type"], body });
    return { events: event, perSource, expectedRevision, isJudged: false, pointer: () => "", place: (path) => toHeaderPlace(toCloudEventPlace(path)) };
  }
  const usual = readUsualEvent(body);
  if (usual !== null) return { events: usual, expectedRevision, isJudged: isSmall(request), pointer: () => "#", place: toWirePlace };
  if (typeof body === "object" && body !== null && "events" in body) return readEvents(body, expectedRevision, isSmall(request));
  const event = toEventInput(parse(eventRequest, body));
  return { events: event, expectedRevision, isJudged: isSmall(request), pointer: () => "#", place: toWirePlace };
}

async function readEvents(body: object, expectedRevision: Append["expectedRevision"], isJudged: boolean): Promise<Append> {
  const batch = await parseEach(appendBatch, eventRequest, body);
  if (batch.expected_revision !== undefined && expectedRevision !== undefined)
    throw invalid("expected_revision stands in the query and in the body.", [{ pointer: "?expected_revision", detail: "is given twice" }]);
  return {
    events: batch.events.map(toEventInput),
    expectedRevision: batch.expected_revision ?? expectedRevision,
    isJudged,
    pointer: (index) => `#/events/${index}`,
    place: toWirePlace,
  };
}

/** A body that does not say how long it is may be of any length. */
function isSmall({ headers }: FastifyRequest): boolean {
  return Number(headers["content-length"] ?? Number.POSITIVE_INFINITY) <= maxJudgedBytes;
}

async function readBatch(body: unknown, expectedRevision: Append["expectedRevision"]): Promise<Append> {
  const batch = await fromCloudEvents(body);
  if (batch.length === 0 && (expectedRevision ?? "any") !== "any")
    throw invalid("An empty batch has no revision to expect.", [{ pointer: "?expected_revision", detail: "is that of an entity, and the batch names none" }]);
  return {
    events: batch.map(({ event }) => event),
    perSource: batch.map(({ perSource }) => perSource),
    expectedRevision,
    isJudged: false,
    pointer: (index) => `#/${index}`,
    place: toCloudEventPlace,
  };
}
