import fc from "fast-check";
import { z } from "zod";

/** The part of JSON Schema that the shipped event schemas use; a keyword beyond it is an error, not a guess. */
interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
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
  return fromJsonSchema(z.toJSONSchema(schema, { io: "input" }) as JsonSchema)
    .map((data) => schema.safeParse(data))
    .filter(({ success }) => success)
    .map(({ data }) => data as T);
}

function fromJsonSchema(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fromJsonSchema));
  const { minLength, maxLength, minItems, maxItems, minimum: min, maximum: max } = schema;
  switch (schema.type) {
    case "object": {
      const members = Object.entries(schema.properties ?? {}).map(([name, member]) => [name, fromJsonSchema(member)] as const);
      return fc.record(Object.fromEntries(members), { requiredKeys: [...(schema.required ?? [])] });
    }
    case "array":
      return fc.array(fromJsonSchema(schema.items ?? {}), bounds({ minLength: minItems, maxLength: maxItems }));
    case "string":
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      // Names that objects treat in their own way are likelier than chance would have them.
      return fc.oneof(
        { weight: 9, arbitrary: fc.string({ unit: "binary", ...bounds({ minLength, maxLength }) }) },
        { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "0") },
      );
    case "integer":
      return fc.integer(bounds({ min, max }));
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

/** Without the members that are undefined. */
function bounds<K extends string>(limits: Readonly<Record<K, number | undefined>>): Partial<Record<K, number>> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)) as Partial<Record<K, number>>;
}
