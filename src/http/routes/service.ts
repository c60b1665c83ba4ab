import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { parse, parseGet, parseQuery } from "../parse.ts";
import { actRequest, afterQuery, noQuery } from "../wire/members.ts";
import type { HealthReply, ReadyReply, RebuildReply, SchemasReply } from "../wire/service.ts";
import { adminOfAll, anybody, callerOf, look, type RouteOptions, read } from "./options.ts";

/** Schemas, the views as a whole, and the service's own health. */
export async function serviceRoutes(app: FastifyInstance, { store, keys }: RouteOptions): Promise<void> {
  app.get("/schemas", look, async (request): Promise<SchemasReply> => {
    await parseGet(afterQuery, request, store.views);
    return {
      schemas: store.catalog.types.flatMap((type) => {
        const found = store.catalog.describe(type);
        return found === undefined ? [] : [{ type, versions: [...found.versions], current: found.current, formerly: [...found.formerly] }];
      }),
    };
  });

  app.get<{ Params: { type: string; version: string } }>("/schemas/:type/:version", look, async (request) => {
    await parseGet(afterQuery, request, store.views);
    const { type, version } = request.params;
    const current = store.catalog.resolve(type);
    const schema = current !== undefined && /^\d{1,4}$/.test(version) ? store.catalog.jsonSchema(current, Number(version)) : undefined;
    if (schema === undefined) throw new RepriseError("NOT_FOUND", "There is no such event type, or no such version of it.");
    return schema;
  });

  app.post("/views/rebuild", adminOfAll, async (request, reply): Promise<RebuildReply> => {
    parseQuery(noQuery, request);
    const { reason } = parse(actRequest, request.body ?? {});
    const position = await store.rebuildViews({ ...callerOf(request), ...(reason === undefined ? {} : { reason }) });
    reply.code(202);
    return { status: "rebuilding", position: String(position) };
  });

  app.get("/healthz", anybody, async (request): Promise<HealthReply> => {
    await parseGet(afterQuery, request, store.views);
    return { status: "ok" };
  });

  app.get("/readyz", read, async (request, reply): Promise<ReadyReply> => {
    await parseGet(afterQuery, request, store.views);
    await store.probe();
    const waitsFor = store.notReady();
    const ofKeys = keys?.warning() ?? null;
    const warnings = ofKeys === null ? [...store.warnings()] : [...store.warnings(), ofKeys];
    if (waitsFor === null) return { status: "ready", waits_for: null, warnings };
    reply.code(503).header("retry-after", "1");
    return { status: "not_ready", waits_for: waitsFor, warnings };
  });
}
