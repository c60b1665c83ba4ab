/** One line of the operator's log for each request: method, route, status, duration, and whose key it was; never a payload, header or query. */
import type { FastifyInstance } from "fastify";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { Clock } from "../event/clock.ts";

declare module "fastify" {
  interface FastifyRequest {
    receivedMs: number;
    problemCode: string | null;
  }
}

export function logRequests(app: FastifyInstance, logger: DeliveryLogger, clock: Clock): void {
  app.decorateRequest("receivedMs", 0);
  app.decorateRequest("problemCode", null);
  app.addHook("onRequest", async (request) => {
    request.receivedMs = clock.monotonicMs();
  });
  app.addHook("onResponse", async (request, reply) => {
    logger.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        duration_ms: Math.round((clock.monotonicMs() - request.receivedMs) * 10) / 10,
        request_id: request.id,
        ...(request.caller?.key ? { key: request.caller.key.id } : {}),
        ...(request.problemCode === null ? {} : { code: request.problemCode }),
      },
      "request",
    );
  });
}
