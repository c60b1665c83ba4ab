/** Members of queries and bodies that several resources take. All shapes are strict: an unknown member is refused. */

import { z } from "zod";
import type { Json } from "../../event/event.ts";
import { maxPartitions } from "../../event/partition-of.ts";
import { time } from "../../store/append/members.ts";

const maxTextCharacters = 256;
const partitionsMessage = `must be a whole number from 1 to ${maxPartitions}`;

/** Text that survives UTF-8: half of a surrogate pair would be stored as something else. */
export function text(maxCharacters = maxTextCharacters) {
  return z
    .string({ error: ({ input }) => (input === undefined ? "is missing" : "must be text") })
    .min(1, "must not be empty")
    .max(maxCharacters, `must have at most ${maxCharacters} characters`)
    .refine((value) => value.isWellFormed(), "holds half of a surrogate pair");
}

export const timeMs = time.transform((value) => Date.parse(value));

/** Its length is judged before its items: a body of 4 MiB has room for two million, and each would be told of. */
export function list<S extends z.ZodType>(
  item: S,
  { min, max, message, wrongLength = message }: { min: number; max: number; message: string; wrongLength?: string },
) {
  return z.array(z.unknown(), message).min(min, wrongLength).max(max, wrongLength).pipe(z.array(item, message));
}

export const wholeNumber = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string(message)
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message));
};

export const limit = (standard: number, max: number) => wholeNumber(1, max).default(standard);

const maxPosition = 2n ** 63n - 1n;

/** Opaque outside; inside a bigint. */
export const position = z
  .string("must be given once")
  .regex(/^\d{1,19}$/, "must be a position that Reprise answered with")
  .transform(BigInt)
  .refine((value) => value <= maxPosition, "must be a position that Reprise answered with");

export const positionInBody = z
  .string("must be a position that Reprise answered with")
  .regex(/^\d{1,19}$/, "must be a position that Reprise answered with")
  .transform(BigInt)
  .refine((value) => value <= maxPosition, "must be a position that Reprise answered with");

/** Any GET takes it. */
export const afterQuery = z.strictObject({ after: position.optional() });

export const noQuery = z.strictObject({});

export const term = text().optional();

export const cursor = text(2048).optional();

export const handlerQuery = z.strictObject({ handler: term });

export const reason = text(500);

export const mustSayWhy = reason.refine((value) => value.trim() !== "", "must say why");

/** Of acts that take nothing else. */
export const actRequest = z.strictObject({ reason: reason.optional() });

/** Of the act that divides a handler's entities anew. */
export const repartitionRequest = z.strictObject({
  partitions: z.int(partitionsMessage).min(1, partitionsMessage).max(maxPartitions, partitionsMessage),
  reason: reason.optional(),
});

/** Of an act that is for good. */
export const finalActRequest = z.strictObject({ reason: mustSayWhy });

export const maxEvents = "must be a whole number from 1 to 1000";

export const rate = z.number("must be a number above 0").positive("must be above 0").max(10_000, "must be at most 10000");

/** Any JSON, kept as sent; `null` is a value, a missing member is not. */
export const givenData = z.custom<Json>((value) => value !== undefined, "is missing");
