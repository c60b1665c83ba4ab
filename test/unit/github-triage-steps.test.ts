import fc from "fast-check";
import type { Json, StoredEvent } from "reprise";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { upcasters, versionedTypes } from "../../examples/github-triage/catalog.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";

const catalog = makeCatalog({ events: versionedTypes, upcasters });

describe.each(versionedTypes.map((event) => [event.type, event.schemas as Readonly<Record<number, z.ZodType>>] as const))("%s", (type, schemas) => {
  it.each(Object.keys(schemas).map(Number))("lifts whatever is valid as version %i, keeps unknown members and changes no stored one", (schemaVersion) => {
    fc.assert(
      fc.property(arbitraryOf(schemas[schemaVersion]!), (data) => {
        const stored = toStored(type, schemaVersion, data);
        const before = structuredClone(stored);
        const lifted = catalog.current(stored);
        if (!lifted.ok) throw new Error(lifted.error.message);
        expect(stored).toEqual(before);
        expect(lifted.parts[0]!.data).toMatchObject(data as object);
      }),
      { numRuns: 50 },
    );
  });
});

function toStored(type: string, schemaVersion: number, data: Json): StoredEvent {
  return {
    id: "018f0000-0000-7000-8000-000000000000",
    type,
    schemaVersion,
    source: null,
    occurredAt: null,
    data,
    metadata: { priority: "normal" },
    stream: "default.repository-o/r",
    tenant: "default",
    entity: { type: "repository", id: "o/r" },
    revision: 0,
    position: 1n,
    recordedAt: "2024-01-01T00:00:00.000Z",
  };
}

type Kind = "object" | "array" | "string" | "integer" | "boolean" | "null";

/** The part of JSON Schema that the example's schemas come out as. */
interface Shape {
  readonly type?: Kind | readonly Kind[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly propertyNames?: Shape;
  readonly additionalProperties?: Shape;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
}

/** Valid inputs of a schema; every object that may hold unknown members holds one. */
function arbitraryOf(schema: z.ZodType): fc.Arbitrary<Json> {
  return fromShape(z.toJSONSchema(schema, { io: "input" }) as Shape);
}

function fromShape(shape: Shape): fc.Arbitrary<Json> {
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum) return fc.constantFrom(...shape.enum);
  if (shape.anyOf) return fc.oneof(...shape.anyOf.map(fromShape));
  if (shape.type === undefined) return fc.constantFrom<Json>(null, "text", { nested: [1] });
  const kinds = typeof shape.type === "string" ? [shape.type] : shape.type;
  return fc.oneof(...kinds.map((kind) => byKind[kind](shape)));
}

const byKind: Record<Kind, (shape: Shape) => fc.Arbitrary<Json>> = {
  object: (shape) => (shape.propertyNames ? dictionary(shape) : members(shape)),
  array: ({ items = {} }) => fc.array(fromShape(items), { maxLength: 2 }),
  string: () => fc.string({ maxLength: 12 }),
  integer: () => fc.maxSafeInteger(),
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
};

function dictionary({ additionalProperties = {} }: Shape): fc.Arbitrary<Json> {
  return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fromShape(additionalProperties), { maxKeys: 3, noNullPrototype: true });
}

function members({ properties = {}, required = [] }: Shape): fc.Arbitrary<Json> {
  const named: [string, fc.Arbitrary<Json>][] = Object.entries(properties).map(([name, member]) => [name, fromShape(member)]);
  const all = Object.fromEntries([...named, ["member_of_tomorrow", fc.constantFrom<Json>(null, 1, ["a"])]]);
  return fc.record<Record<string, Json>>(all, { requiredKeys: [...required, "member_of_tomorrow"], noNullPrototype: true });
}
