import type { FastifyInstance, FastifyRequest } from "fastify";
import type { z } from "zod";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import { mustBeOwnSource } from "../authenticate.ts";
import { cloudEventType, mediaType, readCloudEvents, unsupported } from "../body.ts";
import { invalid, mustBeKnown, parse, parseEach, parseQuery } from "../parse.ts";
import { configOf, makeRoutes } from "../route.ts";
import { cloudEventBody, fromCloudEvent } from "../wire/cloud-event.ts";
import { defined } from "../wire/defined.ts";
import {
  appendBatch,
  appendQuery,
  appendReply,
  appendRequest,
  eventReply,
  eventRequest,
  eventsQuery,
  eventsReply,
  toAppendReply,
  toEventInput,
  toEventReply,
} from "../wire/events.ts";
import { toCloudEventPlace, toWirePlace } from "../wire/names.ts";
import type { RouteOptions } from "./options.ts";

export async function eventRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  readCloudEvents(app);
  app.post("/events", append, async (request, reply): Promise<z.input<typeof appendReply>> => {
    const { events, perSource, expectedRevision, pointer, place } = await readAppend(request);
    mustBeOwnSource(request.caller, events);
    const appended = await store.append(events, { tenant: request.caller.tenant, pointer, place, ...defined({ expectedRevision, perSource }) });
    reply.code(201);
    return toAppendReply(appended);
  });

  const { get } = makeRoutes(app, store.views);
  get("/events", { access: "look", summary: "Lists events, the newest first.", query: eventsQuery, reply: eventsReply }, async ({ request, query }) => {
    mustBeKnown(store.views, query);
    const page = await store.views.events(
      defined({
        tenant: request.caller.tenant,
        status: query.status,
        handler: query.handler,
        eventType: query.event_type,
        source: query.source,
        entityType: query.entity_type,
        entityId: query.entity_id,
        correlationId: query.correlation_id,
        sinceMs: query.since,
        untilMs: query.until,
      }),
      defined({ limit: query.limit, cursor: query.cursor }),
    );
    return { events: page.events.map((event) => toEventReply(event)), next_cursor: page.nextCursor };
  });

  get("/events/:id", { access: "look", summary: "Shows one event and its deliveries.", reply: eventReply }, async ({ request, params }) => {
    const event = await store.views.event(request.caller.tenant, canonicalId(params.id));
    if (event === undefined) throw new RepriseError("NOT_FOUND", "There is no event with this id.");
    return toEventReply(event);
  });
}

/** It reads its bodies by itself: a batch of a thousand is checked in turns. */
const append = configOf({
  access: "append",
  summary: "Appends one event, or up to 1,000.",
  query: appendQuery,
  bodies: { "application/json": appendRequest, [cloudEventType]: cloudEventBody },
  reply: appendReply,
  statuses: [201],
  codes: [
    ...(["EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID", "CALL_CHAIN_BROKEN", "DOWNCAST_FAILED", "SOURCE_REFUSED"] as const),
    ...(["REVISION_CONFLICT", "EVENT_ID_REUSED", "APPEND_TOO_LARGE"] as const),
  ],
});

interface Append {
  readonly events: EventInput | readonly EventInput[];
  readonly perSource?: EventInput | undefined;
  readonly expectedRevision: number | "any" | "none" | undefined;
  readonly pointer: (index: number) => string;
  readonly place: (path: string) => string;
}

/** One event, a batch, or one structured CloudEvent. */
async function readAppend(request: FastifyRequest): Promise<Append> {
  const { body } = request;
  if (Object.keys(request.headers).some((name) => name.startsWith("ce-")))
    throw unsupported("CloudEvents in binary mode (`ce-` headers) are not read; send the structured form.");
  if (body === undefined) throw new RepriseError("JSON_MALFORMED", "The request has no body.");
  const query = parseQuery(appendQuery, request);
  if (mediaType(request) === cloudEventType) {
    const { event, perSource } = fromCloudEvent(body);
    return { events: event, perSource, expectedRevision: query.expected_revision, pointer: () => "#", place: toCloudEventPlace };
  }
  if (typeof body !== "object" || body === null || !("events" in body)) {
    const event = toEventInput(parse(eventRequest, body));
    return { events: event, expectedRevision: query.expected_revision, pointer: () => "#", place: toWirePlace };
  }
  const batch = await parseEach(appendBatch, eventRequest, body);
  if (batch.expected_revision !== undefined && query.expected_revision !== undefined)
    throw invalid("expected_revision stands in the query and in the body.", [{ pointer: "?expected_revision", detail: "is given twice" }]);
  return {
    events: batch.events.map(toEventInput),
    expectedRevision: batch.expected_revision ?? query.expected_revision,
    pointer: (index) => `#/events/${index}`,
    place: toWirePlace,
  };
}
