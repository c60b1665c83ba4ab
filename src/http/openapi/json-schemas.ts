/** JSON Schemas of zod shapes, as the document has them: of what goes in, for requests, and of what comes out, for answers. */
import { z } from "zod";

export type JsonSchema = Record<string, unknown>;
/** A query is text, whatever is read from it: it is described as what is read. */
export type Direction = "query" | "request" | "reply";

const componentUri = (name: string): string => `#/components/schemas/${name}`;

/** Named shapes, which refer to each other by name. */
export function componentsOf(shapes: ReadonlyMap<string, z.ZodType>, direction: Direction): Record<string, JsonSchema> {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, shape] of shapes) registry.add(shape, { id });
  const { schemas } = z.toJSONSchema(registry, { ...settings(direction, (shape) => registry.get(shape)?.id), uri: componentUri });
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema: _dialect, $id: _address, ...schema }]) => [name, schema as JsonSchema]));
}

export function refTo(name: string): JsonSchema {
  return { $ref: componentUri(name) };
}

/** The members of a query, each by itself. */
export function membersOf(query: z.ZodType): readonly { readonly name: string; readonly required: boolean; readonly schema: unknown }[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, settings("query"));
  return Object.entries(properties).map(([name, schema]) => ({ name, required: required.includes(name), schema }));
}

type NameOf = (shape: z.core.$ZodType) => string | undefined;

function settings(direction: Direction, nameOf: NameOf = () => undefined) {
  return {
    io: direction === "reply" ? "output" : "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }: Overridden): void => {
      if (direction === "reply") openForMore(jsonSchema);
      const { def } = zodSchema._zod;
      if (direction !== "reply" && def.type === "default") jsonSchema.default ??= def.defaultValue as typeof jsonSchema.default;
      if (direction === "reply" || def.type !== "pipe") return;
      const given = def.in as z.core.$ZodTypes;
      const read = def.out as z.core.$ZodTypes;
      if (direction === "query" && read._zod.def.type === "number") describeAsNumber(read, jsonSchema);
      if (given._zod.def.type === "array" && read._zod.def.type === "array") jsonSchema.items = itemsOf(read._zod.def.element, nameOf);
    },
  } as const;
}

interface Overridden {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

function describeAsNumber(number: z.core.$ZodType, jsonSchema: z.core.JSONSchema.BaseSchema): void {
  delete jsonSchema.pattern;
  Object.assign(jsonSchema, bare(z.toJSONSchema(number)));
}

/** A list's length is looked at before its items, so that zod takes them for anything. */
function itemsOf(item: z.core.$ZodType, nameOf: NameOf): z.core.JSONSchema.BaseSchema {
  const name = nameOf(item);
  return name === undefined ? bare(z.toJSONSchema(item, settings("request", nameOf))) : refTo(name);
}

/** Answers grow: whoever reads them ignores members that it does not know. */
function openForMore(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  // The format says as much.
  if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
}

function bare({ $schema: _dialect, ...schema }: z.core.JSONSchema.BaseSchema): z.core.JSONSchema.BaseSchema {
  return schema;
}
