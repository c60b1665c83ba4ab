/** Requests with an Idempotency-Key: each is done once, and its answer given to whoever sends it again. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorCode, isRepriseError } from "../errors.ts";
import type { KeptAnswer } from "../store/requests/request-log.ts";
import type { BegunRequest, Requests } from "../store/requests/requests.ts";
import { onEachAnswer } from "./hooks.ts";
import { asksOf, idempotencyKeyOf, requestIdOf } from "./idempotency-key.ts";
import { statusOfCode } from "./problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Present while a request with an Idempotency-Key is done. */
    begun: BegunRequest | null;
  }
}

/** Of an answer, what is given again. The rest belongs to the one request. */
const keptHeaders = ["content-type", "location"] as const;
/** Refusals that ask to wait and come again. */
const passing: readonly ErrorCode[] = ["DELIVERY_RUNNING"];

/** Whether the answer decides the request. What only says "not now" is not kept: the same request is done when it comes again. */
function isKept(status: number, code: string | null): boolean {
  return status < 500 && status !== 429 && !(passing as readonly (string | null)[]).includes(code);
}

/**
 * Does what a request asks for: with an Idempotency-Key once, and a repeat gets the answer of the first. To be called when the request is known to be well
 * formed: one that is not uses no key.
 */
export function once<T>(requests: Requests, request: FastifyRequest, reply: FastifyReply, run: () => Promise<T>): Promise<T> {
  const key = idempotencyKeyOf(request);
  return key === null ? run() : byKey(key, requests, request, reply, run);
}

async function byKey<T>(key: string, requests: Requests, request: FastifyRequest, reply: FastifyReply, run: () => Promise<T>): Promise<T> {
  const begun = await requests.begin({ id: requestIdOf(request, key), asks: await asksOf(request) });
  if ("body" in begun) {
    reply.header("idempotent-replayed", "true");
    return reply.code(begun.status).headers(begun.headers).send(Buffer.from(begun.body)) as unknown as T;
  }
  request.begun = begun;
  try {
    return await run();
  } catch (error) {
    // An earlier try may have been on its way into the log while this one looked for it.
    if (!begun.once.isAgain || !isRepriseError(error) || statusOfCode(error.code) >= 500 || !(await begun.look())) throw error;
    return run();
  }
}

/** Keeps what those requests are answered, byte by byte, before it is sent. */
export function keepAnswers(app: FastifyInstance): void {
  app.decorateRequest("begun", null);
  onEachAnswer(app, (request, reply, payload) => {
    const { begun } = request;
    if (begun === null) return null;
    request.begun = null;
    return keep(request, reply, begun, payload as string | Buffer | null);
  });
}

/** @returns what is sent. */
async function keep({ problemCode }: FastifyRequest, reply: FastifyReply, begun: BegunRequest, payload: string | Buffer | null) {
  if (!isKept(reply.statusCode, problemCode)) {
    begun.leave();
    return payload;
  }
  const answer = answerOf(reply, payload);
  const given = await begun.answer(answer);
  if (given === answer) return payload;
  reply.code(given.status).headers(given.headers).removeHeader("content-length");
  return Buffer.from(given.body);
}

function answerOf(reply: FastifyReply, payload: string | Buffer | null): KeptAnswer {
  const headers = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return { status: reply.statusCode, headers: Object.fromEntries(headers), body: payload === null ? "" : payload.toString() };
}
