import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { makeRoutes } from "../route.ts";
import { actRequest } from "../wire/members.ts";
import { healthReply, jsonSchemaReply, type ReadyReply, type RebuildReply, ratesReply, readyReply, rebuildReply, schemasReply } from "../wire/service.ts";
import { adminOfAll, callerOf, type RouteOptions } from "./options.ts";

/** Schemas, the views as a whole, and the service's own health. */
export async function serviceRoutes(app: FastifyInstance, options: RouteOptions): Promise<void> {
  schemaRoutes(app, options);
  const { store, warnings: ofFiles } = options;
  const { get, act } = makeRoutes(app, store);
  act(
    "POST",
    "/views/rebuild",
    { ...adminOfAll, summary: "Builds the views again from the log.", body: actRequest, reply: rebuildReply, statuses: [202] },
    async ({ request, body: { reason } }, reply): Promise<RebuildReply> => {
      const position = await store.rebuildViews({ ...callerOf(request), ...(reason === undefined ? {} : { reason }) });
      reply.code(202);
      return { status: "rebuilding", position: String(position) };
    },
  );

  get("/rates", { access: "read", summary: "Tells what happened in each minute of the last hour.", reply: ratesReply }, async ({ request }) => ({
    minutes: store.views
      .lastHour(callerOf(request).tenant)
      .map(({ minute, events, failures, deadLetters }) => ({ minute, events, failures, dead_letters: deadLetters })),
  }));

  get("/healthz", { access: "public", isProbe: true, summary: "Says that the process answers.", reply: healthReply }, async () => ({ status: "ok" as const }));

  get(
    "/readyz",
    { access: "read", isProbe: true, summary: "Says whether the service can do its work.", reply: readyReply, statuses: [200, 503] },
    async ({ request }, reply): Promise<ReadyReply> => {
      await store.probe();
      const waitsFor = store.notReady();
      const { ofAllTenants } = request.caller;
      const warnings = ofAllTenants ? [...store.warnings(), ...ofFiles()] : [];
      if (waitsFor === null) return { status: "ready", waits_for: null, warnings };
      reply.code(503).header("retry-after", "1");
      return { status: "not_ready", waits_for: ofAllTenants ? waitsFor : forOthers, warnings };
    },
  );
}

/** Reasons and warnings may name any tenant's entities. */
const forOthers = "the service cannot do its work just now; a key of all tenants is told why";

function schemaRoutes(app: FastifyInstance, { store }: RouteOptions): void {
  const { get } = makeRoutes(app, store);
  get(
    "/schemas",
    { access: "look", summary: "Lists event types, their versions, and how many events of each are stored.", reply: schemasReply },
    async ({ request }) => {
      const all = store.views.storedVersions(callerOf(request).tenant);
      return {
        schemas: store.catalog.types.flatMap((type) => {
          const found = store.catalog.describe(type);
          if (found === undefined) return [];
          const stored = all.filter((each) => store.catalog.resolve(each.type) === type);
          return [{ type, versions: [...found.versions], current: found.current, formerly: [...found.formerly], stored }];
        }),
      };
    },
  );

  /** A name that the type had before is the type's, too. */
  const schemaOf = (type: string, versionOf: (current: number) => number | null) => {
    const name = store.catalog.resolve(type);
    const found = name === undefined ? undefined : store.catalog.describe(name);
    const version = found === undefined ? null : versionOf(found.current);
    const schema = name === undefined || version === null ? undefined : store.catalog.jsonSchema(name, version);
    if (schema === undefined) throw new RepriseError("NOT_FOUND", "There is no such event type, or no such version of it.");
    return schema;
  };
  get("/schemas/:type", { access: "look", summary: "The JSON Schema of an event type's current version.", reply: jsonSchemaReply }, async ({ params }) =>
    schemaOf(params.type, (current) => current),
  );
  get(
    "/schemas/:type/:version",
    { access: "look", summary: "The JSON Schema of one version of an event type.", reply: jsonSchemaReply },
    async ({ params: { type, version } }) => schemaOf(type, () => (/^\d{1,4}$/.test(version) ? Number(version) : null)),
  );
}
