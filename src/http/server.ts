import type { Server as HttpsServer } from "node:https";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from "fastify";
import type { Logger } from "pino";
import type { Keys } from "../access/keys.ts";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { type NewId, newId as timeOrderedId } from "../event/ids.ts";
import type { StoreCore } from "../store/store.ts";
import { checkCallers } from "./authenticate.ts";
import { readJsonBodies } from "./body.ts";
import { makeSessions } from "./console/sessions.ts";
import { makeFail } from "./failed.ts";
import { onEachRequest } from "./hooks.ts";
import { writeRowsInTurns } from "./json-reply.ts";
import { keepAnswers } from "./once.ts";
import { logRequests } from "./request-log.ts";
import { keepRoutes } from "./routed.ts";
import { archiveRunRoutes } from "./routes/archive-runs.ts";
import { archiveSegmentRoutes } from "./routes/archive-segments.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { consoleRoutes } from "./routes/console.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { descriptionRoutes } from "./routes/description.ts";
import { entityRoutes } from "./routes/entities.ts";
import { errorGroupRoutes } from "./routes/error-groups.ts";
import { escalationRoutes } from "./routes/escalations.ts";
import { eventRoutes } from "./routes/events.ts";
import { handlerRoutes } from "./routes/handlers.ts";
import { integrationRoutes } from "./routes/integrations.ts";
import { metricRoutes } from "./routes/metrics.ts";
import { replayRoutes } from "./routes/replays.ts";
import { serviceRoutes } from "./routes/service.ts";
import { streamRoutes } from "./routes/stream.ts";
import { defaultReaderLimits, endSlowReaders, type ReaderLimits } from "./slow-readers.ts";
import { type Certificate, openCertificate, type TlsFiles } from "./tls.ts";
import { countUnderWay } from "./under-way.ts";
import { answerOthers, makeRefuseUnreadable } from "./unreadable.ts";

export interface ServerOptions {
  readonly store: StoreCore;
  /** One line a request: method, route, status, duration; never a payload, header or query. */
  readonly logger: DeliveryLogger;
  readonly clock: Clock;
  /** Makes request ids. */
  readonly newId?: NewId;
  readonly readers?: ReaderLimits;
  /** The keys in force; without any the loopback address is the only fence. */
  readonly keys?: Keys | null;
  readonly tls?: TlsFiles | null;
  /** Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: their addresses. Default: none. */
  readonly trustProxy?: readonly string[];
}

/** A request must have arrived whole within this time; answers may take longer. */
const requestTimeoutMs = 60_000;
/** An entity id has up to 256 characters, and each may be percent-encoded; a fingerprint has 128, and each may be three bytes, or two characters four. */
const maxParamCharacters = 9 * 128;

/** Routes check and write bodies themselves: without this Fastify loads two compilers of JSON Schema, a hundred modules. */
const noCompilers = { buildValidator: refuseSchema, buildSerializer: refuseSchema };

function refuseSchema(): never {
  throw new Error("A route of Reprise has a contract (configOf), and no schema for Fastify to compile.");
}

/** The HTTP side of a store, not yet listening: `inject` for tests, `serve` for the world. */
export function makeServer({
  store,
  logger,
  clock,
  newId = timeOrderedId,
  keys = null,
  tls = null,
  trustProxy = [],
  readers = defaultReaderLimits,
}: ServerOptions): FastifyInstance {
  const certificate = tls === null ? null : openCertificate(tls, { clock, logger });
  const fail = makeFail(logger);
  const options: FastifyServerOptions & { readonly http?: object; readonly https?: object } = {
    logger: false, // one line of our own, below
    genReqId: () => newId(),
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength: maxParamCharacters },
    frameworkErrors: (error, request, reply) => fail(error, request as FastifyRequest, reply as unknown as FastifyReply),
    clientErrorHandler: makeRefuseUnreadable(newId),
    return503OnClosing: false, // the same
    schemaController: { compilersFactory: noCompilers },
    trustProxy: trustProxy.length === 0 ? false : [...trustProxy],
    // A request without a Host header is answered with a problem, too.
    ...(certificate === null ? { http: { requireHostHeader: false } } : { https: { ...certificate.pair, requireHostHeader: false } }),
  };
  const app = fastify(options as FastifyServerOptions);
  if (certificate !== null) renew(app, certificate);
  answerOthers(app.server, newId);
  readJsonBodies(app);
  writeRowsInTurns(app);
  endSlowReaders(app, logger, readers);
  logRequests(app, { logger, clock, metrics: store.metrics });
  refuseWhileClosing(app);
  const sessions = keys === null ? null : makeSessions({ keys, clock });
  checkCallers(app, keys, sessions);
  countUnderWay(app);
  keepAnswers(app);
  const { table, notRouted } = keepRoutes(app);
  onEachRequest(app, (request, reply) => {
    // Here and not in the 404 handler: a body sent to a wrong address is not read.
    if (request.is404) throw notRouted(request, reply);
    return null;
  });
  app.setErrorHandler((error, request, reply) => fail(error, request, reply));
  app.setNotFoundHandler((request, reply) => fail(notRouted(request, reply), request, reply));

  const warnings = () => [keys?.warning(), certificate?.warning()].filter((each) => typeof each === "string");
  const needs = { store, keys, sessions, table, warnings };
  app.register(eventRoutes, needs);
  app.register(streamRoutes, { ...needs, clock });
  app.register(entityRoutes, needs);
  app.register(deadLetterRoutes, needs);
  app.register(escalationRoutes, needs);
  app.register(errorGroupRoutes, needs);
  app.register(replayRoutes, needs);
  app.register(handlerRoutes, needs);
  app.register(integrationRoutes, needs);
  app.register(archiveSegmentRoutes, needs);
  app.register(clusterRoutes, needs);
  app.register(archiveRunRoutes, needs);
  app.register(serviceRoutes, needs);
  app.register(metricRoutes, needs);
  app.register(descriptionRoutes, needs);
  app.register(consoleRoutes, needs);
  return app;
}

/** New connections get the certificate that the files hold, as long as the server is open. */
function renew(app: FastifyInstance, certificate: Certificate): void {
  const follow = certificate.follow(app.server as unknown as HttpsServer);
  app.addHook("onClose", async () => follow.close());
}

function refuseWhileClosing(app: FastifyInstance): void {
  let closing = false;
  app.addHook("preClose", async () => void (closing = true));
  onEachRequest(app, (request, reply) => {
    reply.header("x-request-id", request.id);
    if (!closing) return null;
    reply.header("connection", "close");
    throw new RepriseError("CLOSED", "The service is stopping.");
  });
}

/**
 * Listens, and logs `"msg":"listening"` with the `url`.
 *
 * @param options.port 0 picks one.
 * @returns the address, and `close`: takes no new request and resolves when those under way are answered. `abort` ends their connections.
 */
export async function serve(
  options: ServerOptions & { readonly host: string; readonly port: number; readonly logger: Logger },
): Promise<{ url: string; close(): Promise<void>; abort(): void }> {
  const { host, port, logger, tls = null } = options;
  const app = makeServer(options);
  await app.listen({ host, port });
  const address = app.server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  const url = `${tls === null ? "http" : "https"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${boundPort}`;
  // Whoever waits for this line must not depend on the level.
  logger.child({}, { level: logger.level === "silent" ? "silent" : "info" }).info({ url }, "listening");
  return { url, close: () => app.close(), abort: () => app.server.closeAllConnections() };
}
