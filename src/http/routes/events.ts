import type { FastifyInstance, FastifyRequest } from "fastify";
import { RepriseError } from "../../errors.ts";
import { canonicalId } from "../../event/ids.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import { mustBeOwnSource } from "../authenticate.ts";
import { cloudEventType, mediaType, readCloudEvents, unsupported } from "../body.ts";
import { invalid, mustBeKnown, parse, parseEach, parseGet, parseQuery } from "../parse.ts";
import { fromCloudEvent } from "../wire/cloud-event.ts";
import { defined } from "../wire/defined.ts";
import type { AppendReply, EventReply, EventsReply } from "../wire/events.ts";
import { appendBatch, appendQuery, eventRequest, eventsQuery, toAppendReply, toEventInput, toEventReply } from "../wire/events.ts";
import { afterQuery } from "../wire/members.ts";
import { toCloudEventPlace, toWirePlace } from "../wire/names.ts";
import { append, look, type RouteOptions } from "./options.ts";

export async function eventRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  readCloudEvents(app);
  app.post("/events", append, async (request, reply): Promise<AppendReply> => {
    const { events, perSource, expectedRevision, pointer, place } = await readAppend(request);
    mustBeOwnSource(request.caller, [events].flat());
    const appended = await store.append(events, { tenant: request.caller.tenant, pointer, place, ...defined({ expectedRevision, perSource }) });
    reply.code(201);
    return toAppendReply(appended);
  });

  app.get("/events", look, async (request): Promise<EventsReply> => {
    const query = await parseGet(eventsQuery, request, store.views);
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

  app.get<{ Params: { id: string } }>("/events/:id", look, async (request): Promise<EventReply> => {
    await parseGet(afterQuery, request, store.views);
    const event = await store.views.event(request.caller.tenant, canonicalId(request.params.id));
    if (event === undefined) throw new RepriseError("NOT_FOUND", "There is no event with this id.");
    return toEventReply(event);
  });
}

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
