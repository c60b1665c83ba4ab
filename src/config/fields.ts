/** Kinds of fields. Each text says what the field must be; `refuse` puts the name and the value of the field before it. */

import { z } from "zod";
import { handlerNamePattern } from "../event/names.ts";

export const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const between = (min: number, max: number) => {
  const error = `must be a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};

export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, { error: `must be ${values.map((value) => `"${value}"`).join(" or ")}` });

export const custom = <T>(check: (value: unknown) => boolean, error: string) => z.custom<T>(check, { error });

export const fields = <T extends z.core.$ZodShape>(shape: T, error: string) =>
  z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : error) });

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

export const eventDefinition = custom(
  (value) => isRecord(value) && typeof value.type === "string" && isRecord(value.schemas) && Array.isArray(value.formerly),
  "must be made by defineEvent",
);

export const upcasterChain = custom(
  (value) => isRecord(value) && isRecord(value.event) && typeof value.event.type === "string" && isRecord(value.steps),
  "must be made by defineUpcasters",
);

const nameText = `must be 1 to 63 lower-case letters, digits and "-", beginning with a letter`;

export const nameShape = z.string({ error: nameText }).regex(handlerNamePattern, { error: nameText });
