/** Answers a request that fails: with a problem of RFC 9457, and with a line in the operator's log when the caller did not cause the failure. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { DeliveryLogger } from "../delivery/delivery-logger.ts";
import { RepriseError } from "../errors.ts";
import { mountOf } from "./mount.ts";
import { problemBytes, retryAfterSeconds, toProblem } from "./problem.ts";

export type Fail = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

export function makeFail(logger: DeliveryLogger): Fail {
  return (thrown, request, reply) => {
    const error = expected(thrown);
    const problem = toProblem(error, { path: `${mountOf(request)}${pathOf(request)}`, requestId: request.id });
    request.problemCode = problem.code;
    if (problem.status === 500) logger.error({ err: thrown, request_id: request.id }, "request failed");
    // Many are refused alike while the log is away or its disk full: what went wrong has lines of its own, and a stack for each would fill the disk.
    else if (problem.status > 500) logger.warn({ code: problem.code, detail: problem.detail, request_id: request.id }, "request failed");
    const retryAfter = retryAfterSeconds(error);
    if (retryAfter !== undefined) reply.header("retry-after", String(retryAfter));
    return reply.code(problem.status).header("content-type", "application/problem+json").send(problemBytes(problem)); // a string would get a charset
  };
}

/** The failure as a RepriseError. An unexpected error is written to the log only. */
function expected(thrown: unknown): RepriseError {
  if (thrown instanceof RepriseError) {
    if (thrown.kind !== "config" && (thrown.kind !== "defect" || thrown.code === "CLOSED" || thrown.code === "ARCHIVE_DAMAGED")) return thrown;
    return internal(thrown);
  }
  const { code: given, statusCode = 500 } = (thrown ?? {}) as Partial<FastifyError>;
  // Anything may be thrown: the code of a child process that failed is a number.
  const code = typeof given === "string" ? given : "";
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return new RepriseError("MEDIA_TYPE_UNSUPPORTED", "The content-type cannot be read.");
  if (code === "FST_ERR_MAX_PARAM_LENGTH") return new RepriseError("NOT_FOUND", "There is nothing at this path.");
  if (code.startsWith("FST_") && statusCode < 500) return new RepriseError("REQUEST_INVALID", "The path or a header cannot be read.");
  return internal(thrown);
}

function internal(cause: unknown): RepriseError {
  return new RepriseError("INTERNAL", "Something went wrong inside Reprise.", { cause });
}

export function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0]!;
}
