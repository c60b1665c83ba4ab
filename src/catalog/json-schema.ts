import { z } from "zod";
import { RepriseError } from "../errors.ts";
import { messageOf, typeOf } from "../event/thrown.ts";
import { isThrownByUser, userPlaceOf } from "../event/user-place.ts";
import { type HiddenRule, hiddenRulesOf } from "./hidden-rules.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A version's schema as JSON Schema, and the rules that JSON Schema does not show. */
export interface DescribedSchema {
  /** JSON Schema 2020-12 of what an append accepts. */
  readonly jsonSchema: JsonSchema;
  /** The same without titles, descriptions and other annotations. */
  readonly plain: JsonSchema;
  /** The version of zod that made the schema. */
  readonly zod: string;
  readonly hidden: readonly HiddenRule[];
}

/**
 * Describes the input of a version's schema, because producers check their data by it before they append. The output is described, too, to prove that it
 * survives JSON: zod throws for a Date, bigint, Map …. No part of the schema, however deep, may change the data that was sent.
 *
 * @throws SCHEMA_NOT_JSON, also for an asynchronous check.
 */
export function describeSchema(type: string, version: number, schema: z.ZodType): DescribedSchema {
  const refuse = (why: string, cause?: unknown): RepriseError =>
    new RepriseError("SCHEMA_NOT_JSON", `Version ${version} of event type "${type}" ${why}.`, { cause });
  let jsonSchema: JsonSchema;
  let plain: JsonSchema;
  let hidden: ReturnType<typeof hiddenRulesOf>;
  try {
    hidden = hiddenRulesOf(schema);
    if (hidden.refused === null) z.toJSONSchema(schema, { io: "output" });
    jsonSchema = z.toJSONSchema(schema, { io: "input", override: sayAllOfTuples });
    // Titles, descriptions and the like demand nothing of data.
    plain = z.toJSONSchema(schema, { io: "input", override: sayAllOfTuples, metadata: z.registry() as typeof z.globalRegistry });
  } catch (error) {
    if (error instanceof RangeError) throw refuse("goes on without end: a lazy schema has to give the same schema each time", error);
    if (isThrownByUser(error)) {
      const why = `cannot be read at ${userPlaceOf(error)}: ${typeOf(error)}: ${messageOf(error)}`;
      throw new RepriseError("CONFIG_INVALID", `Version ${version} of event type "${type}" ${why}`, { cause: error });
    }
    throw refuse(`does not survive JSON: ${error instanceof Error ? error.message.split("\n")[0] : "it cannot be represented"}`, error);
  }
  if (hidden.refused !== null) throw refuse(`does not survive JSON: it has ${hidden.refused}, which makes other data of what was sent`);
  if (hidden.asynchronous) throw refuse("has an asynchronous check or a promise: schemas judge at once, from the data alone");
  return { jsonSchema, plain, hidden: hidden.rules, zod: zodOf(schema) };
}

/** zod before 4.5 leaves out how many items a tuple has. */
function sayAllOfTuples({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const def = zodSchema._zod.def;
  if (def.type !== "tuple" || jsonSchema.prefixItems === undefined) return;
  const needed = def.items.findLastIndex((item) => item._zod.optin !== "optional") + 1;
  if (needed > 0) jsonSchema.minItems ??= needed;
  if (def.rest === null) {
    jsonSchema.items ??= false;
    jsonSchema.maxItems ??= def.items.length;
  }
}

/** `4.6.7`: the version of the copy of zod that made the schema, which may differ from ours. */
function zodOf(schema: z.ZodType): string {
  const { major, minor, patch } = schema._zod.version;
  return `${major}.${minor}.${patch}`;
}

/**
 * Adds an address and a title, so that validators in any language can keep many schemas; a title that the schema has stays. `$comment` lists the rules that
 * JSON Schema cannot express, because an append may refuse, by such a rule, data that the JSON Schema accepts.
 */
export function publishedSchema(type: string, version: number, { jsonSchema, hidden }: DescribedSchema): JsonSchema {
  const { $schema, ...rest } = jsonSchema;
  const beside = hidden.map(({ at, what }) => `${at === "" ? "(the whole)" : at}: ${what}`);
  return {
    $schema,
    $id: `urn:reprise:schemas/${type}/${version}`,
    title: `${type} version ${version}`,
    ...(beside.length === 0 ? {} : { $comment: `An append is also judged by what JSON Schema does not say. ${[...new Set(beside)].join("; ")}` }),
    ...rest,
  };
}
