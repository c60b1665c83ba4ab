import type { FastifyInstance } from "fastify";
import { bodyOf, parse, parseGet, parseQuery } from "../parse.ts";
import { defined } from "../wire/defined.ts";
import { actRequest, afterQuery, finalActRequest, noQuery } from "../wire/members.ts";
import type { HandlerActReply, HandlerRepairReply, HandlersReply, RetiredReply } from "../wire/service.ts";
import { toHandlersReply } from "../wire/service.ts";
import { adminOfAll, callerOf, type RouteOptions, read } from "./options.ts";

/** Handlers, and what operators do with them. */
export async function handlerRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  app.get("/handlers", read, async (request): Promise<HandlersReply> => {
    await parseGet(afterQuery, request, store.views);
    return toHandlersReply(await store.views.handlers());
  });

  for (const [verb, state] of [["pause", "paused"], ["resume", "running"]] as const) // biome-ignore format: one line
    app.post<{ Params: { name: string } }>(`/handlers/:name/${verb}`, adminOfAll, async (request): Promise<HandlerActReply> => {
      parseQuery(noQuery, request);
      const act = parse(actRequest, request.body ?? {});
      const { name } = request.params;
      const position = await store[verb === "pause" ? "pauseHandler" : "resumeHandler"](name, { ...callerOf(request), ...defined(act) });
      return { name, state, position: String(position) };
    });

  app.post<{ Params: { name: string } }>("/handlers/:name/retire", adminOfAll, async (request): Promise<RetiredReply> => {
    parseQuery(noQuery, request);
    const { reason } = parse(finalActRequest, bodyOf(request));
    const { name } = request.params;
    const { discarded, position } = await store.retireHandler(name, { ...callerOf(request), reason });
    return { name, state: "retired", discarded, position: String(position) };
  });

  app.post<{ Params: { name: string } }>("/handlers/:name/repair", adminOfAll, async (request): Promise<HandlerRepairReply> => {
    parseQuery(noQuery, request);
    const { reason } = parse(finalActRequest, bodyOf(request));
    const { name } = request.params;
    const { position, skipped } = await store.repairHandler(name, { ...callerOf(request), reason });
    return { name, state: "running", skipped, position: String(position) };
  });
}
