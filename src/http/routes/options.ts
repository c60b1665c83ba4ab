import type { FastifyRequest } from "fastify";
import type { Keys } from "../../access/keys.ts";
import type { Caller } from "../../store/caller.ts";
import type { Store } from "../../store/store.ts";

/** What routes are given. */
export interface RouteOptions {
  readonly store: Store;
  /** Null where the service works without keys. */
  readonly keys: Keys | null;
}

/** What a route asks of its caller: see `Access`. */
export const anybody = { config: { access: "public" } } as const;
export const append = { config: { access: "append" } } as const;
export const look = { config: { access: "look" } } as const;
export const read = { config: { access: "read" } } as const;
export const operate = { config: { access: "operate" } } as const;
export const adminOfAll = { config: { access: "admin", ofAllTenants: true } } as const;

/** Who acts, as the store is told it. */
export function callerOf({ caller: { tenant, actor } }: FastifyRequest): Caller {
  return { tenant, actor };
}
