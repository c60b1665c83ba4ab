import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { oneGroup } from "../../store/error-groups.ts";
import type { StoreCore } from "../../store/store.ts";
import { merge, mustBeKnown } from "../parse.ts";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import {
  errorGroupActReply,
  errorGroupDetailReply,
  errorGroupQuery,
  errorGroupsQuery,
  errorGroupsReply,
  ignoreRequest,
  resolveRequest,
  toErrorGroupActReply,
  toErrorGroupDetailReply,
  toErrorGroupFilter,
  toErrorGroupReply,
} from "../wire/error-groups.ts";
import { actRequest, handlerQuery } from "../wire/members.ts";
import { callerOf, listOf, type RouteOptions } from "./options.ts";

/** Failures that are alike, and what operators say of them. */
export async function errorGroupRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  readRoutes(app, store);
  actRoutes(app, store);
}

function readRoutes(app: FastifyInstance, store: StoreCore): void {
  const { get } = makeRoutes(app, store);
  get(
    "/admin/errors",
    { ...listOf.read, summary: "Lists error groups, the one seen last first.", query: errorGroupsQuery, reply: errorGroupsReply },
    async ({ request, query: { limit, cursor, ...query } }) => {
      const { tenant } = request.caller;
      mustBeKnown(store.views, tenant, query);
      const page = await store.views.errorGroups({ tenant, ...toErrorGroupFilter(query) }, defined({ limit, cursor }));
      return { groups: page.groups.map(toErrorGroupReply), next_cursor: page.nextCursor };
    },
  );

  get(
    "/admin/errors/:fingerprint",
    {
      ...{ access: "read", summary: "Shows one error group, with the hours in which it was seen and its newest dead letters.", codes: ["HANDLER_AMBIGUOUS"] },
      ...{ query: errorGroupQuery, reply: errorGroupDetailReply },
    },
    async ({ request, params: { fingerprint }, query: { handler } }) => {
      const { tenant } = request.caller;
      const group = oneGroup(fingerprint, await store.views.findErrorGroups(tenant, fingerprint), handler);
      const detail = group && (await store.views.errorGroup({ tenant, handler: group.handler, fingerprint }));
      if (detail === undefined) throw new RepriseError("NOT_FOUND", "There is no error group with this fingerprint.");
      return toErrorGroupDetailReply(detail);
    },
  );
}

function actRoutes(app: FastifyInstance, store: StoreCore): void {
  const { act } = makeRoutes(app, store);
  const common = { access: "operate", query: handlerQuery, reply: errorGroupActReply, codes: ["HANDLER_AMBIGUOUS"] } as const;
  act(
    "POST",
    "/admin/errors/:fingerprint/resolve",
    { ...common, summary: "Says that an error group is mended: a failure after that opens it again.", body: resolveRequest },
    async ({ request, params: { fingerprint }, query, body }) =>
      toErrorGroupActReply(await store.resolveErrorGroup(fingerprint, { ...callerOf(request), ...defined(merge(query, body)) })),
  );
  act(
    "POST",
    "/admin/errors/:fingerprint/ignore",
    { ...common, summary: "Leaves an error group out of the way, up to a time or for good.", body: ignoreRequest },
    async ({ request, params: { fingerprint }, query, body }) =>
      toErrorGroupActReply(await store.ignoreErrorGroup(fingerprint, { ...callerOf(request), ...defined(merge(query, body)) })),
  );
  act(
    "POST",
    "/admin/errors/:fingerprint/reopen",
    { ...common, summary: "Opens an error group again.", body: actRequest },
    async ({ request, params: { fingerprint }, query, body }) =>
      toErrorGroupActReply(await store.reopenErrorGroup(fingerprint, { ...callerOf(request), ...defined(merge(query, body)) })),
  );
}
