/** Values that a JSON Schema of the document lets in, most of them; here and there one that it does not. */
import type { JsonSchema } from "../../../src/http/openapi/json-schemas.ts";
import type { Odd } from "./odd.ts";
import type { Random } from "./random.ts";

export interface Making {
  readonly random: Random;
  readonly odd: Odd;
  /** Values that mean something to the service, by the name of the member: `handler` → "reader". */
  readonly known: (name: string) => readonly unknown[];
  /** `#/components/schemas/Event` → its schema. */
  readonly find: (ref: string) => JsonSchema;
  /** How often a value is an odd one. */
  readonly oddness: number;
}

export function makeValue(making: Making, schema: JsonSchema, name = "", depth = 0): unknown {
  const { random, odd, known, find, oddness } = making;
  if (random.some(oddness)) return odd.json();
  const meant = known(name);
  if (meant.length > 0 && random.some(0.9)) return random.one(meant);
  const next = (inner: unknown, innerName = name): unknown => makeValue(making, inner as JsonSchema, innerName, depth + 1);
  if (typeof schema.$ref === "string") return next(find(schema.$ref));
  for (const several of [schema.anyOf, schema.oneOf]) if (Array.isArray(several)) return next(random.one(several as JsonSchema[]));
  if (Array.isArray(schema.allOf)) return Object.assign({}, ...schema.allOf.map((each) => next(each)));
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return random.one(schema.enum);
  const type = Array.isArray(schema.type) ? random.one(schema.type) : schema.type;
  const { minimum = 0, maximum = 5, minItems = 0, maxItems = 3 } = schema as Readonly<Record<string, number>>;
  switch (type) {
    case "object":
      return makeObject(making, schema, (inner, inside) => (depth > 6 ? {} : next(inner, name === "entity" ? `entity_${inside}` : inside)));
    case "array":
      return Array.from({ length: Math.min(maxItems, minItems + random.below(3)) }, () => next(schema.items ?? {}));
    case "integer":
    case "number":
      return random.some(0.9) ? Math.min(maximum, minimum + random.below(5)) : random.one([minimum, maximum, minimum - 1, maximum + 1, 0.5]);
    case "boolean":
      return random.some(0.5);
    case "null":
      return null;
    case "string":
      return random.some(0.3) ? odd.text() : random.one(["a", "fuzz", "x".repeat(Number(schema.maxLength ?? 10))]);
    default:
      return odd.json();
  }
}

function makeObject({ random, odd }: Making, schema: JsonSchema, next: (inner: unknown, name: string) => unknown): object {
  const { properties = {}, required = [] } = schema as { readonly properties?: Readonly<Record<string, unknown>>; readonly required?: readonly string[] };
  const members = Object.entries(properties).filter(([name]) => random.some(required.includes(name) ? 0.98 : 0.2));
  const made = members.map(([name, inner]) => [name, next(inner, name)] as const);
  return Object.fromEntries(random.some(0.03) ? [...made, [odd.text(), odd.json()]] : made);
}
