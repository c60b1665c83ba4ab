/** Problems in the document: their shape, and for each status of a route the codes that it can have. */
import { type ErrorCode, errorCatalog } from "../../errors.ts";
import { statusOfCode } from "../problem.ts";
import { type JsonSchema, refTo } from "./json-schemas.ts";

const problemType = "application/problem+json";

/** RFC 9457. A code may add members. */
export const problemSchema: JsonSchema = {
  type: "object",
  properties: {
    type: { type: "string", description: "A URN that ends in the anchor of docs/errors.md that explains the code." },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What happened, in one sentence." },
    instance: { type: "string", description: "Path of the request." },
    code: { type: "string", description: "Decide by it." },
    remedy: { type: "string", description: "What to do about it." },
    request_id: { type: "string" },
    errors: {
      type: "array",
      description: "Places in the request, for faults of the input.",
      items: {
        type: "object",
        properties: { pointer: { type: "string", description: "As in #/events/0/data/orderId, or ?limit." }, detail: { type: "string" } },
        required: ["pointer", "detail"],
      },
    },
  },
  required: ["type", "title", "status", "detail", "instance", "code", "remedy", "request_id"],
};

export interface ProblemResponse {
  readonly description: string;
  readonly headers?: JsonSchema;
  readonly content: Record<string, { readonly schema: JsonSchema }>;
}

/** What to do about each code, once for the whole document. */
export function remediesOf(codes: Iterable<ErrorCode>): JsonSchema {
  return Object.fromEntries([...codes].sort().map((code) => [code, { status: statusOfCode(code), remedy: errorCatalog[code].remedy }]));
}

/** By status. */
export function problemResponses(codes: readonly ErrorCode[]): ReadonlyMap<number, ProblemResponse> {
  const byStatus = Map.groupBy(codes, statusOfCode);
  return new Map([...byStatus].sort(([a], [b]) => a - b).map(([status, those]) => [status, problemResponse(status, those)]));
}

function problemResponse(status: number, codes: readonly ErrorCode[]): ProblemResponse {
  return {
    description: codes.join(", "),
    ...(status === 429 || status === 503 ? { headers: { "Retry-After": { description: "Seconds.", schema: { type: "string" } } } } : {}),
    content: { [problemType]: { schema: { allOf: [refTo("Problem"), { type: "object", properties: { code: { enum: codes } } }] } } },
  };
}
