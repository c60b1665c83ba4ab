import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { RepriseError } from "../../errors.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import { canonicalId } from "../../event/ids.ts";
import { writing } from "../../event/written-row.ts";
import type { AppendOptions } from "../../store/append/event-input.ts";
import { asJudged } from "../../store/append/judged.ts";
import type { StoreCore } from "../../store/store.ts";
import type { EventView } from "../../views/model/event.ts";
import { mustBeOwnSource } from "../authenticate.ts";
import { asksForBatch, cloudEventKinds, sendBatch } from "../batch-reply.ts";
import { cloudEventBatchType, cloudEventType, readCloudEvents } from "../body.ts";
import { once } from "../once.ts";
import { mustBeKnown } from "../parse.ts";
import { configOf, makeRoutes } from "../route.ts";
import { cloudEventBody } from "../wire/cloud-event.ts";
import { cloudEventBatchBody } from "../wire/cloud-event-batch.ts";
import { cloudEventHeaders } from "../wire/cloud-event-headers.ts";
import { defined } from "../wire/defined.ts";
import {
  type AppendReply,
  appendQuery,
  appendReply,
  appendRequest,
  type asVersion,
  eventQuery,
  eventReply,
  eventsQuery,
  eventsReply,
  toAppendReply,
  toEventReply,
  writeAppendReply,
} from "../wire/events.ts";
import { callerOf, listOf, type RouteOptions } from "./options.ts";
import { type Append, readAppend } from "./read-append.ts";

export async function eventRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  readCloudEvents(app);
  // Not async, nor is what one small event goes through: see appendOne.
  app.post("/events", append, (request, reply) => {
    const read = readAppend(request);
    return read instanceof Promise ? read.then((asked) => appendAsked(store, asked, request, reply)) : appendAsked(store, read, request, reply);
  });

  const { get } = makeRoutes(app, store);
  const listed = { ...listOf.look, summary: "Lists events, the newest first.", query: eventsQuery, reply: eventsReply, kinds: cloudEventKinds } as const;
  get("/events", listed, async ({ request, query }, reply) => {
    mustBeKnown(store.views, request.caller.tenant, query);
    const filter = defined({
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
    });
    const page = defined({ limit: query.limit, cursor: query.cursor });
    if (asksForBatch(request)) {
      const { events, nextCursor } = await store.views.events(filter, page);
      return sendBatch(reply, events, { next: nextCursor, name: "cursor" });
    }
    const { events, nextCursor } = await store.views.events(filter, page, writing(toEventReply));
    return { events: [...events], next_cursor: nextCursor };
  });

  const shown = {
    ...({ access: "look", summary: "Shows one event and its deliveries.", query: eventQuery, reply: eventReply, kinds: cloudEventKinds } as const),
    codes: ["EVENT_ARCHIVED", "ARCHIVE_UNAVAILABLE", "ARCHIVE_DAMAGED"],
  } as const;
  get("/events/:id", shown, async ({ request, params, query }, reply) => {
    const id = canonicalId(params.id);
    const event = (await store.views.event(request.caller.tenant, id)) ?? (await fromArchive(store, request.caller.tenant, id, query.as));
    return asksForBatch(request) ? sendBatch(reply, [event], { as: query.as }) : toEventReply(event, query.as);
  });
}

function appendAsked(store: StoreCore, asked: Append, request: FastifyRequest, reply: FastifyReply): Promise<AppendReply | string> {
  const { events, perSource, expectedRevision, isJudged, pointer, place } = asked;
  mustBeOwnSource(request.caller, events);
  return once(store.requests, request, reply, () => {
    const { tenant, once } = callerOf(request);
    const isUsual = expectedRevision === undefined && perSource === undefined && once === undefined;
    const options: AppendOptions = isUsual ? { tenant, pointer, place } : { tenant, pointer, place, ...defined({ expectedRevision, perSource, once }) };
    // A batch of CloudEvents may be empty.
    const isNone = Array.isArray(events) && events.length === 0;
    const appending = isNone ? Promise.resolve([]) : store.append(events, isJudged ? asJudged(options) : options);
    request.body = undefined; // see `answer`
    return answer(appending, reply);
  });
}

/** Apart, so that what waits for the answer holds nothing of the body: of 64 requests at once, each collection of garbage would copy it. */
function answer(appending: Promise<readonly AppendedEvent[]>, reply: FastifyReply): Promise<AppendReply | string> {
  return appending.then((appended) => {
    reply.code(201);
    if (appended.length !== 1) return toAppendReply(appended);
    reply.type("application/json; charset=utf-8");
    return writeAppendReply(appended[0]!);
  });
}

/** @throws EVENT_ARCHIVED unless it is asked for, NOT_FOUND */
async function fromArchive(store: StoreCore, tenant: string, id: string, as: z.output<typeof asVersion>): Promise<EventView> {
  const found = await store.archivedEvent(tenant, id);
  if (found === undefined) throw new RepriseError("NOT_FOUND", "There is no event with this id.");
  if (as === "archived" || found.restored) return found.event;
  throw new RepriseError("EVENT_ARCHIVED", `The event has left the log: it is in the segment ${found.segment} of the archive.`, {
    fields: { segment: found.segment },
  });
}

/** It reads its bodies by itself: a batch of a thousand is checked in turns. */
const append = configOf({
  access: "append",
  summary: "Appends one event, or up to 1,000.",
  note: "A CloudEvent in binary mode has its attributes in `ce-` headers, and its data, any JSON, as the body.",
  query: appendQuery,
  headers: cloudEventHeaders,
  bodies: { "application/json": appendRequest, [cloudEventType]: cloudEventBody, [cloudEventBatchType]: cloudEventBatchBody },
  reply: appendReply,
  statuses: [201],
  codes: [
    ...(["EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID", "CALL_CHAIN_BROKEN", "DOWNCAST_FAILED", "SOURCE_REFUSED"] as const),
    ...(["REVISION_CONFLICT", "EVENT_ID_REUSED", "APPEND_TOO_LARGE"] as const),
  ],
});
