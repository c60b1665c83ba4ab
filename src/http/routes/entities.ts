import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import type { Entity } from "../../event/event.ts";
import { entity as entityShape } from "../../store/append/members.ts";
import { bodyOf, merge, mustBeKnown, parse, parseGet, parseQuery } from "../parse.ts";
import { defined } from "../wire/defined.ts";
import type { EntitiesReply, EntityEventsReply, EntityReply, LaneActReply } from "../wire/entities.ts";
import { entitiesQuery, entityEventsQuery, laneActRequest, toEntityReply } from "../wire/entities.ts";
import { toEventReply } from "../wire/events.ts";
import { afterQuery, handlerQuery } from "../wire/members.ts";
import { callerOf, look, operate, type RouteOptions } from "./options.ts";

interface OneEntity {
  readonly Params: { readonly type: string; readonly id: string };
}

export async function entityRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  app.get("/entities", look, async (request): Promise<EntitiesReply> => {
    const query = await parseGet(entitiesQuery, request, store.views);
    mustBeKnown(store.views, query);
    const page = await store.views.entities(
      defined({ tenant: request.caller.tenant, laneState: query.lane_state, handler: query.handler, entityType: query.entity_type }),
      defined({ limit: query.limit, cursor: query.cursor }),
    );
    return { entities: page.entities.map(toEntityReply), next_cursor: page.nextCursor };
  });

  app.get<OneEntity>("/entities/:type/:id", look, async (request): Promise<EntityReply> => {
    await parseGet(afterQuery, request, store.views);
    const view = await store.views.entity(request.caller.tenant, known(request.params));
    if (view === undefined) throw notFound();
    return toEntityReply(view);
  });

  app.get<OneEntity>("/entities/:type/:id/events", look, async (request): Promise<EntityEventsReply> => {
    const query = await parseGet(entityEventsQuery, request, store.views);
    const page = await store.readEntity(
      known(request.params),
      defined({ tenant: request.caller.tenant, from: query.from, limit: query.limit, direction: query.direction }),
    );
    if (page.revision < 0) throw notFound();
    return { events: page.events.map((event) => toEventReply(event, query.as)), next_from: page.nextFrom };
  });

  for (const [verb, act] of [["pause", "pauseEntity"], ["resume", "resumeEntity"], ["retry", "retryEntity"]] as const) // biome-ignore format: one line
    app.post<OneEntity>(`/entities/:type/:id/${verb}`, operate, async (request): Promise<LaneActReply> => {
      const asked = merge(parseQuery(handlerQuery, request), parse(laneActRequest, bodyOf(request)));
      const entity = known(request.params);
      const { handlers, position } = await store[act](entity, { ...callerOf(request), ...defined(asked) });
      return { entity: { ...entity }, handlers: [...handlers], position: String(position) };
    });
}

/** Names that no entity can have are not looked for. @throws NOT_FOUND */
function known(entity: Entity): Entity {
  if (!entityShape.safeParse({ ...entity }).success) throw notFound();
  return { type: entity.type, id: entity.id };
}

function notFound(): RepriseError {
  return new RepriseError("NOT_FOUND", "There is no such entity.");
}
