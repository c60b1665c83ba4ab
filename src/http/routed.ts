import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access } from "../access/roles.ts";
import { RepriseError } from "../errors.ts";
import { pathOf } from "./failed.ts";
import type { RouteContract } from "./route.ts";

/** A route of the server: the table that describes it, and that tests walk. */
export interface Route {
  readonly method: string;
  /** `/events/:id` */
  readonly url: string;
  readonly access: Access;
  readonly ofAllTenants: boolean;
  readonly acrossTenants: boolean;
  readonly contract: RouteContract;
}

export interface Routed {
  /** Those added so far; HEAD, which goes wherever GET does, apart. */
  readonly table: readonly Route[];
  /** The path is unknown, or known under other methods. */
  readonly notRouted: (request: FastifyRequest, reply: FastifyReply) => RepriseError;
}

/** Keeps the routes that are added from now on. A route that says nothing of itself cannot be added. */
export function keepRoutes(app: FastifyInstance): Routed {
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  const table: Route[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, "[^/]+").replaceAll(".", "\\.")}$`);
    const { access = "admin", ofAllTenants = false, acrossTenants = false, contract } = config ?? {};
    if (contract === undefined) throw new TypeError(`The route ${method} ${url} has no contract.`);
    for (const name of [method].flat()) {
      routes.push({ method: name, pattern });
      if (name !== "HEAD") table.push({ method: name, url, access, ofAllTenants, acrossTenants, contract });
    }
  });
  const notRouted = (request: FastifyRequest, reply: FastifyReply): RepriseError => {
    const path = pathOf(request);
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (allowed.length === 0) return new RepriseError("NOT_FOUND", "There is nothing at this path.");
    reply.header("allow", allowed.sort().join(", "));
    return new RepriseError("METHOD_NOT_ALLOWED", `This path answers to ${allowed.join(", ")}.`);
  };
  return { table, notRouted };
}
