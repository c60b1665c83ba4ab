/** What the document says of requests that come again. */
import { keyPattern, maxKeyCharacters } from "../idempotency-key.ts";
import type { JsonSchema } from "./json-schemas.ts";

export const idempotencyKeyParameter: JsonSchema = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "What the request asks for is done once, however often it comes with this key in 24 hours, and each gets the first answer. A text of your own for this one request, best a UUID.",
  schema: { type: "string", minLength: 1, maxLength: maxKeyCharacters, pattern: keyPattern.source },
};

/** Of an answer to an acting request. */
export const replayedHeaders: JsonSchema = {
  "Idempotent-Replayed": {
    description: "The answer is that of the first request with this Idempotency-Key.",
    schema: { type: "string", enum: ["true"] },
  },
};
