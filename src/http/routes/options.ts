import type { FastifyRequest } from "fastify";
import type { Keys } from "../../access/keys.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Caller, CallerOptions } from "../../store/caller.ts";
import type { StoreCore } from "../../store/store.ts";
import type { Sessions } from "../console/sessions.ts";
import type { Route } from "../routed.ts";

/** The arguments of all routes. */
export interface RouteOptions {
  readonly store: StoreCore;
  /** Null where the service works without keys. */
  readonly keys: Keys | null;
  /** Of the console; null where the service works without keys. */
  readonly sessions: Sessions | null;
  /** What is wrong with the files that the server follows, for `/readyz`: a sentence each. */
  readonly warnings: () => readonly string[];
  /** All routes, once the server is ready. */
  readonly table: readonly Route[];
}

/** What an act that touches every tenant asks of its caller. */
export const adminOfAll = { access: "admin", ofAllTenants: true } as const;

/** A list or a count that may be asked of all tenants at once. */
export const listOf = { read: { access: "read", acrossTenants: true }, look: { access: "look", acrossTenants: true } } as const;

/** Of acts on one dead letter. */
export const letterCodes = ["HANDLER_AMBIGUOUS", "NOT_DEAD_LETTERED", "DELIVERY_RUNNING", "LETTER_NOT_FIRST"] as const satisfies readonly ErrorCode[];

/** Who acts, as the store is told it. */
export function callerOf({ caller: { tenant, actor }, begun }: FastifyRequest): Caller & Pick<CallerOptions, "once"> {
  return { tenant, actor, ...(begun === null ? {} : { once: begun.once }) };
}
