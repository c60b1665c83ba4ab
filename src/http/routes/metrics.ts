import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { preferredKind } from "../accept.ts";
import { parseGet } from "../parse.ts";
import { configOf } from "../route.ts";
import { afterQuery } from "../wire/members.ts";
import type { RouteOptions } from "./options.ts";

const text = "text/plain";
const openMetrics = "application/openmetrics-text";

/** What the service measures of itself. Its figures are of all tenants. */
export async function metricRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const described = { access: "read", ofAllTenants: true, summary: "Shows what the service measures of itself, for Prometheus." } as const;
  app.get("/metrics", configOf({ ...described, query: afterQuery, bodies: null, reply: text, otherTexts: [openMetrics] }), async (request, reply) => {
    await parseGet(afterQuery, request, store.views);
    if (store.metrics === null) throw new RepriseError("NOT_FOUND", "This service measures nothing: it was opened with `metrics: false`.");
    const kind = preferredKind(request.headers.accept, [text, openMetrics]);
    const page = await store.metrics.page(kind === openMetrics ? "openmetrics" : "text");
    reply.header("vary", "Accept").header("cache-control", "no-store").type(page.contentType);
    return page.text;
  });
}
