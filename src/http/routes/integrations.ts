import type { FastifyInstance } from "fastify";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import { type IntegrationActReply, integrationActReply, integrationsReply, toIntegrationsReply } from "../wire/integrations.ts";
import { actRequest } from "../wire/members.ts";
import { adminOfAll, callerOf, listOf, type RouteOptions } from "./options.ts";

/** What handlers call and share, and what operators do with it. */
export async function integrationRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  const summary = "Lists integrations: the state of each, and what waits for it.";
  get("/integrations", { ...listOf.read, summary, reply: integrationsReply }, async ({ request }) =>
    toIntegrationsReply(await store.integrations(request.caller.tenant, request.caller.ofAllTenants)),
  );

  act(
    "POST",
    "/integrations/:name/isolate",
    { ...adminOfAll, summary: "Stops what calls an integration, until it is reset.", body: actRequest, reply: integrationActReply },
    async ({ request, params: { name }, body }): Promise<IntegrationActReply> => {
      const position = await store.isolateIntegration(name, { ...callerOf(request), ...defined(body) });
      return { name, state: "isolated", position: String(position) };
    },
  );

  act(
    "POST",
    "/integrations/:name/reset",
    { ...adminOfAll, summary: "Lets what calls an integration go on, whatever stopped it.", body: actRequest, reply: integrationActReply },
    async ({ request, params: { name }, body }): Promise<IntegrationActReply> => {
      const position = await store.resetIntegration(name, { ...callerOf(request), ...defined(body) });
      return { name, state: "closed", position: String(position) };
    },
  );
}
