import fc from "fast-check";
import type { Json } from "reprise";
import { z } from "zod";

type Kind = "object" | "array" | "string" | "integer" | "number" | "boolean" | "null";

/** The part of JSON Schema that the shipped event schemas use; a keyword beyond it is an error, not a guess. */
interface JsonSchema {
  readonly type?: Kind | readonly Kind[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Any payload that `schema` accepts, as the schema puts it out: built from its JSON Schema, and parsed to be sure. */
export function arbitraryOf<T>(schema: z.ZodType<T>): fc.Arbitrary<T> {
  return arbitraryInputOf(schema).map((data) => schema.parse(data));
}

/** Any payload that `schema` accepts, as it may be sent. Every object that may hold unknown members holds one. */
export function arbitraryInputOf(schema: z.ZodType): fc.Arbitrary<Json> {
  return fromJsonSchema(z.toJSONSchema(schema, { io: "input" }) as JsonSchema).filter((data) => schema.safeParse(data).success);
}

function fromJsonSchema(schema: JsonSchema): fc.Arbitrary<Json> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fromJsonSchema));
  if (schema.type === undefined) {
    if ("allOf" in schema || "oneOf" in schema || "$ref" in schema || "not" in schema) throw new Error(`arbitraryOf does not know ${JSON.stringify(schema)}`);
    return fc.constantFrom<Json>(null, "text", { nested: [1] });
  }
  const kinds: readonly Kind[] = typeof schema.type === "string" ? [schema.type] : schema.type;
  return fc.oneof(...kinds.map((kind) => ofKind(kind, schema)));
}

function ofKind(kind: Kind, schema: JsonSchema): fc.Arbitrary<Json> {
  const { minLength, maxLength, minItems, maxItems, minimum: min, maximum: max } = schema;
  switch (kind) {
    case "object":
      return schema.propertyNames === undefined ? members(schema) : dictionary(schema);
    case "array":
      return fc.array(fromJsonSchema(schema.items ?? {}), { size: "-1", ...bounds({ minLength: minItems, maxLength: maxItems }) });
    case "string":
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      // Names that objects treat in their own way are likelier than chance would have them.
      return fc.oneof(
        { weight: 9, arbitrary: fc.string({ unit: "binary", ...bounds({ minLength, maxLength }) }) },
        { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "0") },
      );
    case "integer":
      return integers(min, max);
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true, ...bounds({ min, max }) });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      throw new Error(`arbitraryOf does not know ${JSON.stringify(schema)}`);
  }
}

function members({ properties = {}, required = [], additionalProperties }: JsonSchema): fc.Arbitrary<Json> {
  const named = Object.entries(properties).map(([name, member]) => [name, fromJsonSchema(member)] as const);
  const unlisted = additionalProperties === false ? [] : [["member_of_tomorrow", fc.constantFrom<Json>(null, 1, ["a"])] as const];
  return fc.record<Record<string, Json>>(Object.fromEntries([...named, ...unlisted]), {
    requiredKeys: [...required, ...unlisted.map(([name]) => name)],
    noNullPrototype: true,
  });
}

function dictionary({ additionalProperties }: JsonSchema): fc.Arbitrary<Json> {
  const value = typeof additionalProperties === "object" ? additionalProperties : {};
  return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fromJsonSchema(value), { maxKeys: 3, noNullPrototype: true });
}

/** Without the members that are undefined. */
function bounds<K extends string>(limits: Readonly<Record<K, number | undefined>>): Partial<Record<K, number>> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)) as Partial<Record<K, number>>;
}

/** zod bounds every integer by what is safe, which is more than fc.integer takes. */
function integers(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): fc.Arbitrary<number> {
  return fc.bigInt({ min: BigInt(min), max: BigInt(max) }).map(Number);
}
