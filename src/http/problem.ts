import { withoutKeys } from "../access/key-text.ts";
import { type ErrorCode, type ErrorKind, type ErrorPlace, errorCatalog, type RepriseError } from "../errors.ts";
import { snake } from "./wire/names.ts";

/** RFC 9457 `application/problem+json`, with Reprise's own members. A code may add fields: `expected`, `actual`, `handlers`, `event_ids`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Path of the request, without its query. */
  readonly instance: string;
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly request_id: string;
  readonly errors?: readonly ErrorPlace[];
  readonly [field: string]: unknown;
}

const statusOf: Readonly<Record<ErrorKind, number>> = {
  malformed: 400,
  timed_out: 408,
  headers_too_large: 431,
  expectation: 417,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported_media: 415,
  unprocessable: 422,
  rate_limited: 429,
  unavailable: 503,
  config: 500,
  defect: 500,
};

/** HTTP's status for a code. A store that closes under a request is on its way down: 503, so that clients try again elsewhere or later. */
export function statusOfCode(code: ErrorCode): number {
  return code === "CLOSED" ? 503 : statusOf[errorCatalog[code].kind];
}

/** Seconds for `Retry-After`, at least 1; undefined where none is due. */
export function retryAfterSeconds(error: RepriseError): number | undefined {
  const status = statusOfCode(error.code);
  if (status !== 503 && status !== 429 && error.code !== "IDEMPOTENCY_IN_PROGRESS") return undefined;
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1000));
}

export function toProblem(error: RepriseError, request: { readonly path: string; readonly requestId: string }): Problem {
  const status = statusOfCode(error.code);
  return {
    ...Object.fromEntries(Object.entries(error.fields).map(([name, value]) => [snake(name), typeof value === "bigint" ? String(value) : value])),
    // It is a URN and no web address, so that it stays the same wherever the documentation is hosted.
    type: `urn:reprise:docs/errors.md#${error.code.toLowerCase()}`, // as GitHub writes the anchor of the heading
    title: titleOf(error.code),
    status,
    detail: error.message,
    instance: request.path,
    code: error.code,
    remedy: error.remedy,
    request_id: request.requestId,
    ...(error.errors.length === 0 ? {} : { errors: error.errors }),
  };
}

/** The bytes of a problem. It repeats of the request its path and the names of its members, so keys are taken out. */
export function problemBytes(problem: Problem): Buffer {
  return Buffer.from(withoutKeys(JSON.stringify(problem)));
}

/** `REVISION_CONFLICT` → "Revision conflict": the same for every occurrence, as RFC 9457 asks. */
function titleOf(code: ErrorCode): string {
  const words = code
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/^json\b/, "JSON");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
