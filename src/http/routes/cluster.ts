import type { FastifyInstance } from "fastify";
import { makeRoutes } from "../route.ts";
import { clusterReply, type DrainReply, drainReply, toClusterReply } from "../wire/cluster.ts";
import { defined } from "../wire/defined.ts";
import { actRequest } from "../wire/members.ts";
import { adminOfAll, callerOf, type RouteOptions } from "./options.ts";

/** The instances that share the log's work, and what operators do with them. */
export async function clusterRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get, act } = makeRoutes(app, store);
  const summary = "Lists the instances that share the work, and who works on which partition.";
  get("/cluster", { access: "read", summary, reply: clusterReply }, async () => toClusterReply(store.cluster()));

  act(
    "POST",
    "/cluster/:instance/drain",
    { ...adminOfAll, summary: "Has an instance give its partitions to others.", body: actRequest, reply: drainReply },
    async ({ request, params: { instance }, body }): Promise<DrainReply> => {
      await store.drainInstance(instance, { ...callerOf(request), ...defined(body) });
      return { instance, state: "draining" };
    },
  );
}
