/** Which paths there are, and what is said of one that is not there. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RepriseError } from "../errors.ts";
import { pathOf } from "./failed.ts";

/** The path is unknown, or known under other methods. */
export type NotRouted = (request: FastifyRequest, reply: FastifyReply) => RepriseError;

/** Keeps the routes that are added from now on. */
export function keepRoutes(app: FastifyInstance): NotRouted {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, "[^/]+")}$`);
    for (const name of [method].flat()) routes.push({ method: name, pattern });
  });
  return (request, reply) => {
    const path = pathOf(request);
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (allowed.length === 0) return new RepriseError("NOT_FOUND", "There is nothing at this path.");
    reply.header("allow", allowed.sort().join(", "));
    return new RepriseError("METHOD_NOT_ALLOWED", `This path answers to ${allowed.join(", ")}.`);
  };
}
