import type { Server as HttpsServer } from "node:https";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from "fastify";
import type { Logger } from "pino";
import type { Keys } from "../access/keys.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { type NewId, newId as timeOrderedId } from "../event/ids.ts";
import type { Store } from "../store/store.ts";
import { checkCallers } from "./authenticate.ts";
import { readJsonBodies } from "./body.ts";
import { writeRowsInTurns } from "./json-reply.ts";
import { retryAfterSeconds, toProblem } from "./problem.ts";
import { deadLetterRoutes } from "./routes/dead-letters.ts";
import { entityRoutes } from "./routes/entities.ts";
import { eventRoutes } from "./routes/events.ts";
import { handlerRoutes } from "./routes/handlers.ts";
import { replayRoutes } from "./routes/replays.ts";
import { serviceRoutes } from "./routes/service.ts";
import { defaultReaderLimits, endSlowReaders, type ReaderLimits } from "./slow-readers.ts";
import { followTls, readTls, type TlsFiles } from "./tls.ts";
import { answerOthers, makeRefuseUnreadable } from "./unreadable.ts";

export interface ServerOptions {
  readonly store: Store;
  /** One line a request: method, route, status, duration; never a payload, header or query. */
  readonly logger: Logger;
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

declare module "fastify" {
  interface FastifyRequest {
    receivedMs: number;
    problemCode: string | null;
  }
}

/** A request must have arrived whole within this time; answers may take longer. */
const requestTimeoutMs = 60_000;
/** An entity id has up to 256 characters, and each may be percent-encoded. */
const maxParamCharacters = 3 * 256;

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
  const options: FastifyServerOptions & { readonly http?: object; readonly https?: object } = {
    logger: false, // one line of our own, below
    genReqId: () => newId(),
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength: maxParamCharacters },
    frameworkErrors: (error, request, reply) => fail(error, request as FastifyRequest, reply as unknown as FastifyReply),
    clientErrorHandler: makeRefuseUnreadable(newId),
    return503OnClosing: false, // the same
    trustProxy: trustProxy.length === 0 ? false : [...trustProxy],
    // A request without a Host header is answered with a problem, too.
    ...(tls === null ? { http: { requireHostHeader: false } } : { https: { ...readTls(tls), requireHostHeader: false } }),
  };
  const app = fastify(options as FastifyServerOptions);
  let closing = false;
  app.addHook("preClose", async () => void (closing = true));
  answerOthers(app.server, newId);
  const routes: { readonly method: string; readonly pattern: RegExp }[] = [];
  app.decorateRequest("receivedMs", 0);
  app.decorateRequest("problemCode", null);
  readJsonBodies(app);
  writeRowsInTurns(app);
  endSlowReaders(app, logger, readers);

  app.addHook("onRoute", ({ method, url }) => {
    const pattern = new RegExp(`^${url.replace(/:\w+/g, "[^/]+")}$`);
    for (const name of [method].flat()) routes.push({ method: name, pattern });
  });
  app.addHook("onRequest", async (request, reply) => {
    request.receivedMs = clock.monotonicMs();
    reply.header("x-request-id", request.id);
    if (closing) {
      reply.header("connection", "close");
      throw new RepriseError("CLOSED", "The service is stopping.");
    }
  });
  checkCallers(app, keys);
  app.addHook("onRequest", async (request, reply) => {
    // Here and not in the 404 handler: a body sent to a wrong address is not read.
    if (request.is404) throw notRouted(request, reply);
  });
  app.addHook("onResponse", async (request, reply) => {
    const code = request.problemCode === null ? {} : { code: request.problemCode };
    logger.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        duration_ms: Math.round((clock.monotonicMs() - request.receivedMs) * 10) / 10,
        request_id: request.id,
        ...(request.caller?.key ? { key: request.caller.key.id } : {}),
        ...code,
      },
      "request",
    );
  });

  /** The path is unknown, or known under other methods. */
  function notRouted(request: FastifyRequest, reply: FastifyReply): RepriseError {
    const path = pathOf(request);
    const allowed = [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
    if (allowed.length === 0) return new RepriseError("NOT_FOUND", "There is nothing at this path.");
    reply.header("allow", allowed.sort().join(", "));
    return new RepriseError("METHOD_NOT_ALLOWED", `This path answers to ${allowed.join(", ")}.`);
  }

  function fail(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const error = expected(thrown);
    const problem = toProblem(error, { path: pathOf(request), requestId: request.id });
    request.problemCode = problem.code;
    if (problem.status >= 500) logger[problem.status === 500 ? "error" : "warn"]({ err: thrown, request_id: request.id }, "request failed");
    const retryAfter = retryAfterSeconds(error);
    if (retryAfter !== undefined) reply.header("retry-after", String(retryAfter));
    return reply
      .code(problem.status)
      .header("content-type", "application/problem+json")
      .send(Buffer.from(JSON.stringify(problem))); // a string would get a charset
  }

  app.setErrorHandler((error, request, reply) => fail(error, request, reply));
  app.setNotFoundHandler((request, reply) => fail(notRouted(request, reply), request, reply));

  const needs = { store, keys };
  app.register(eventRoutes, needs);
  app.register(entityRoutes, needs);
  app.register(deadLetterRoutes, needs);
  app.register(replayRoutes, needs);
  app.register(handlerRoutes, needs);
  app.register(serviceRoutes, needs);
  return app;
}

/**
 * Listens, and logs `"msg":"listening"` with the `url`.
 *
 * @param options.port 0 picks one.
 * @returns the address, and `close`: takes no new request and resolves when those under way are answered. `abort` ends their connections.
 */
export async function serve(
  options: ServerOptions & { readonly host: string; readonly port: number },
): Promise<{ url: string; close(): Promise<void>; abort(): void }> {
  const { host, port, logger, tls = null } = options;
  const app = makeServer(options);
  await app.listen({ host, port });
  const address = app.server.address();
  const boundPort = typeof address === "object" && address !== null ? address.port : port;
  const watch =
    tls === null
      ? null
      : followTls(app.server as unknown as HttpsServer, tls, options.clock, (err) => logger.error({ err }, "the renewed certificate cannot be used"));
  const url = `${tls === null ? "http" : "https"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${boundPort}`;
  // Whoever waits for this line must not depend on the level.
  logger.child({}, { level: logger.level === "silent" ? "silent" : "info" }).info({ url }, "listening");
  const close = async (): Promise<void> => {
    watch?.close();
    await app.close();
  };
  return { url, close, abort: () => app.server.closeAllConnections() };
}

/** What failed, as a RepriseError; what nobody expected is told to the log only. */
function expected(thrown: unknown): RepriseError {
  if (thrown instanceof RepriseError) {
    if (thrown.kind !== "config" && (thrown.kind !== "defect" || thrown.code === "CLOSED")) return thrown;
    return internal(thrown);
  }
  const { code = "", statusCode = 500 } = (thrown ?? {}) as Partial<FastifyError>;
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new RepriseError("MEDIA_TYPE_UNSUPPORTED", "The content-type cannot be read.");
  if (code === "FST_ERR_MAX_PARAM_LENGTH") return new RepriseError("NOT_FOUND", "There is nothing at this path.");
  if (code.startsWith("FST_") && statusCode < 500) return new RepriseError("REQUEST_INVALID", "The path or a header cannot be read.");
  return internal(thrown);
}

function internal(cause: unknown): RepriseError {
  return new RepriseError("INTERNAL", "Something went wrong inside Reprise.", { cause });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!;
}
