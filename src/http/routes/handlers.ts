import type { FastifyInstance } from "fastify";
import { makeRoutes } from "../route.ts";
import { defined } from "../wire/defined.ts";
import { actRequest, finalActRequest, repartitionRequest } from "../wire/members.ts";
import {
  type HandlerActReply,
  type HandlerRepairReply,
  handlerActReply,
  handlerRepairReply,
  handlersReply,
  type RepartitionReply,
  type RetiredReply,
  repartitionReply,
  retiredReply,
  toHandlersReply,
  toRepartitionReply,
} from "../wire/service.ts";
import { adminOfAll, callerOf, listOf, type RouteOptions } from "./options.ts";

/** Handlers, and what operators do with them. */
export async function handlerRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  get("/handlers", { ...listOf.read, summary: "Lists handlers, with what waits for each.", reply: handlersReply }, async ({ request }) =>
    toHandlersReply(await store.views.handlers(request.caller.tenant), request.caller.ofAllTenants),
  );

  act(
    "POST",
    "/handlers/:name/pause",
    { ...adminOfAll, summary: "Stops a handler from being called.", body: actRequest, reply: handlerActReply },
    async ({ request, params: { name }, body }): Promise<HandlerActReply> => {
      const position = await store.pauseHandler(name, { ...callerOf(request), ...defined(body) });
      return { name, state: "paused", position: String(position) };
    },
  );

  act(
    "POST",
    "/handlers/:name/resume",
    { ...adminOfAll, summary: "Lets a paused handler go on.", body: actRequest, reply: handlerActReply, codes: ["NOT_PAUSED"] },
    async ({ request, params: { name }, body }): Promise<HandlerActReply> => {
      const position = await store.resumeHandler(name, { ...callerOf(request), ...defined(body) });
      return { name, state: "running", position: String(position) };
    },
  );

  act(
    "POST",
    "/handlers/:name/repartition",
    {
      ...{ ...adminOfAll, summary: "Divides a handler's entities into another number of partitions.", statuses: [200, 202] },
      ...{ body: repartitionRequest, reply: repartitionReply, codes: ["REPARTITION_RUNNING", "REPARTITION_REFUSED"] },
    },
    async ({ request, params: { name }, body: { partitions, reason } }, reply): Promise<RepartitionReply> => {
      const result = await store.repartitionHandler(name, partitions, { ...callerOf(request), ...defined({ reason }) });
      if (result.state === "repartitioning") reply.code(202);
      return toRepartitionReply(name, result);
    },
  );

  act(
    "POST",
    "/handlers/:name/retire",
    {
      ...{ ...adminOfAll, summary: "Discards what waits for a handler that the config has no more.", codes: ["HANDLER_PRESENT"] },
      ...{ body: finalActRequest, reply: retiredReply },
    },
    async ({ request, params: { name }, body: { reason } }): Promise<RetiredReply> => {
      const { discarded, position } = await store.retireHandler(name, { ...callerOf(request), reason });
      return { name, state: "retired", discarded, position: String(position) };
    },
  );

  act(
    "POST",
    "/handlers/:name/repair",
    {
      ...{ ...adminOfAll, summary: "Skips what another program wrote into the handler's journal.", codes: ["NOTHING_TO_REPAIR"] },
      ...{ body: finalActRequest, reply: handlerRepairReply },
    },
    async ({ request, params: { name }, body: { reason } }): Promise<HandlerRepairReply> => {
      const { position, skipped } = await store.repairHandler(name, { ...callerOf(request), reason });
      return { name, state: "running", skipped, position: String(position) };
    },
  );
}
