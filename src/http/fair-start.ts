import type { FastifyRequest } from "fastify";
import { RepriseError } from "../errors.ts";
import { beginInTurn, waitingOf } from "../event/turns.ts";
import { waitingUnderWay } from "./under-way.ts";

/** Requests of one tenant that wait for their turn, while others ask, too. Each holds a connection, and its body if that has come. */
const maxWaiting = 1000;

/**
 * Begins a request before anything of its body is read: at once, unless several tenants ask. Then each turn of the event loop begins one of each tenant, so
 * that a thousand requests of one do not stand before another's.
 *
 * @returns null: at once.
 * @throws RATE_LIMITED
 */
export function takeTurn({ server }: FastifyRequest, tenant: string): Promise<void> | null {
  if (waitingOf(tenant) + waitingUnderWay(server, tenant) >= maxWaiting)
    throw new RepriseError("RATE_LIMITED", `${maxWaiting} requests of this tenant are waiting already.`, {
      retryAfterMs: 1000,
      fields: { limitOf: "tenant" },
    });
  return beginInTurn(tenant);
}
