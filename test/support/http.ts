import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import { expect } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeServer, type ServerOptions } from "../../src/http/server.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { holdToDocument } from "./described.ts";

export const silent: Logger = pino({ level: "silent" });

/** The service, not listening; each of its answers is held to the document that describes it. */
export function makeDescribedServer(options: ServerOptions): FastifyInstance {
  const app = makeServer(options);
  holdToDocument(app);
  return app;
}

/** The service over a store, not listening. */
export function serverOver(store: StoreCore, logger: Logger = silent): FastifyInstance {
  return makeDescribedServer({ store, logger, clock: systemClock });
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  json(): unknown;
}

/** Checks that an answer is a whole problem with this status and code, and returns it. */
export function expectProblem(answer: Answer, status: number, code: ErrorCode): Readonly<Record<string, unknown>> {
  const problem = answer.json() as Readonly<Record<string, unknown>>;
  expect({ status: answer.statusCode, code: problem.code }).toEqual({ status, code });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(problem).toMatchObject({
    type: expect.stringMatching(new RegExp(`^[a-z]+:.*docs/errors\\.md#${code.toLowerCase()}$`)),
    title: expect.stringMatching(/^[A-Z]/),
    status,
    detail: expect.stringMatching(/\.$/),
    remedy: expect.stringMatching(/\.$/),
    request_id: expect.any(String),
    instance: expect.any(String),
  });
  if (status === 503 || status === 429) expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  return problem;
}
