import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import type { Entity } from "../../event/event.ts";
import { writing } from "../../event/written-row.ts";
import { entity as entityShape } from "../../store/append/members.ts";
import { asksForBatch, cloudEventKinds, sendBatch } from "../batch-reply.ts";
import { merge, mustBeKnown } from "../parse.ts";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import {
  entitiesQuery,
  entitiesReply,
  entityEventsQuery,
  entityEventsReply,
  entityReply,
  laneActReply,
  laneActRequest,
  toEntityReply,
} from "../wire/entities.ts";
import { toEventReply } from "../wire/events.ts";
import { handlerQuery } from "../wire/members.ts";
import { callerOf, listOf, type RouteOptions } from "./options.ts";

export async function entityRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  get("/entities", { ...listOf.look, summary: "Lists entities, with their lanes.", query: entitiesQuery, reply: entitiesReply }, async ({ request, query }) => {
    mustBeKnown(store.views, request.caller.tenant, query);
    const page = await store.views.entities(
      defined({ tenant: request.caller.tenant, laneState: query.lane_state, handler: query.handler, entityType: query.entity_type }),
      defined({ limit: query.limit, cursor: query.cursor }),
      writing(toEntityReply),
    );
    return { entities: [...page.entities], next_cursor: page.nextCursor };
  });

  get("/entities/:type/:id", { access: "look", summary: "Shows one entity and its lanes.", reply: entityReply }, async ({ request, params }) => {
    const view = await store.views.entity(request.caller.tenant, known(params));
    if (view === undefined) throw notFound();
    return toEntityReply(view);
  });

  get(
    "/entities/:type/:id/events",
    {
      access: "look",
      summary: "Lists an entity's events, by revision.",
      query: entityEventsQuery,
      reply: entityEventsReply,
      kinds: cloudEventKinds,
      codes: ["ARCHIVE_UNAVAILABLE", "ARCHIVE_DAMAGED"],
    },
    async ({ request, params, query }, reply) => {
      const page = await store.readEntity(
        known(params),
        defined({
          tenant: request.caller.tenant,
          from: query.from,
          limit: query.limit,
          direction: query.direction,
          archived: query.as === "archived" ? true : undefined,
        }),
      );
      if (page.revision < 0) throw notFound();
      if (asksForBatch(request)) return sendBatch(reply, page.events, { next: page.nextFrom, name: "from", as: query.as });
      return {
        events: page.events.map((event) => toEventReply(event, query.as)),
        next_from: page.nextFrom,
        archived: page.archived === null ? null : { before: page.archived.before, segments: [...page.archived.segments] },
      };
    },
  );

  const verbs = [
    { verb: "pause", name: "pauseEntity", summary: "Stops an entity's deliveries.", codes: [] },
    { verb: "resume", name: "resumeEntity", summary: "Lets a paused entity's deliveries go on.", codes: ["NOT_PAUSED"] },
    { verb: "retry", name: "retryEntity", summary: "Tries what waits for its next attempt now.", codes: ["NOT_BACKING_OFF", "LANE_PAUSED"] },
  ] as const;
  for (const { verb, name, summary, codes } of verbs)
    act(
      "POST",
      `/entities/:type/:id/${verb}`,
      { access: "operate", summary, query: handlerQuery, body: laneActRequest, reply: laneActReply, codes },
      async ({ request, params, query, body }) => {
        const asked = merge(query, body);
        const entity = known(params);
        const { handlers, position } = await store[name](entity, { ...callerOf(request), ...defined(asked) });
        return { entity: { ...entity }, handlers: [...handlers], position: String(position) };
      },
    );
}

/** Names that no entity can have are not looked for. @throws NOT_FOUND */
function known(entity: Entity): Entity {
  if (!entityShape.safeParse({ ...entity }).success) throw notFound();
  return { type: entity.type, id: entity.id };
}

function notFound(): RepriseError {
  return new RepriseError("NOT_FOUND", "There is no such entity.");
}
