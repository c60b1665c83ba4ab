/** One line of the operator's log for each request: method, route, status, duration, and whose key it was; never a payload, header or query. It is measured, too. */
import type { FastifyInstance } from "fastify";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import type { Clock } from "../event/clock.ts";
import type { Metrics } from "../store/metrics.ts";
import { onEachRequest } from "./hooks.ts";

declare module "fastify" {
  interface FastifyRequest {
    receivedMs: number;
    problemCode: string | null;
  }
}

interface Told {
  readonly logger: DeliveryLogger;
  readonly clock: Clock;
  readonly metrics: Metrics | null;
}

interface Line {
  readonly method: string;
  readonly route: string | null;
  readonly status: number;
  readonly duration_ms: number;
  readonly request_id: string;
  key?: string;
  code?: string;
}

export function logRequests(app: FastifyInstance, { logger, clock, metrics }: Told): void {
  app.decorateRequest("receivedMs", 0);
  app.decorateRequest("problemCode", null);
  onEachRequest(app, (request) => {
    request.receivedMs = clock.monotonicMs();
    return null;
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? null;
    const tookMs = clock.monotonicMs() - request.receivedMs;
    metrics?.answered({ method, route, status: reply.statusCode, seconds: tookMs / 1000 });
    const line: Line = { method, route, status: reply.statusCode, duration_ms: Math.round(tookMs * 10) / 10, request_id: request.id };
    if (request.caller?.key) line.key = request.caller.key.id;
    if (request.problemCode !== null) line.code = request.problemCode;
    logger.info(line, "request");
    done();
  });
}
