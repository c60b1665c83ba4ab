/** The JSON Schemas that producers validate with, judged by a validator that is not ours. */
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { events as githubEvents, upcasters as githubUpcasters } from "../../examples/github-triage/catalog.ts";
import { events as deskEvents } from "../../schemas/index.ts";
import { defineEvent } from "../../src/catalog/define.ts";
import { describeSchema } from "../../src/catalog/json-schema.ts";
import { changed, changesOf } from "../../src/catalog/lock/edges.ts";
import { payloadsOf } from "../../src/catalog/lock/payloads.ts";
import type { Shape } from "../../src/catalog/lock/shape.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import type { Json } from "../../src/event/event.ts";
import { upcasters as deskUpcasters } from "../../upcasters/index.ts";
import { arbitraryOf } from "../support/arbitrary-of.ts";

/** Strict: a keyword that it does not know is an error. Formats are annotations, as the specification has it: zod writes their pattern beside them. */
const makeValidator = () => new Ajv2020({ strict: true, strictRequired: false, validateFormats: false, allowUnionTypes: true });
const catalog = makeCatalog({ events: [...deskEvents, ...githubEvents], upcasters: [...deskUpcasters, ...githubUpcasters] });
const versions = [...deskEvents, ...githubEvents].flatMap(({ type, schemas }) =>
  Object.entries(schemas as Record<string, z.ZodType>).map(([version, schema]) => ({ type, version: Number(version), schema })),
);

describe("the JSON Schema of a version", () => {
  it("is 2020-12 with an address and a title of its own, so that one validator holds them all", () => {
    const validator = makeValidator();
    for (const { type, version } of versions) {
      const schema = catalog.jsonSchema(type, version)!;
      expect(schema).toMatchObject({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $id: `urn:reprise:schemas/${type}/${version}`,
        title: `${type} version ${version}`,
      });
      validator.addSchema(schema);
    }
    for (const { type, version } of versions) expect(validator.getSchema(`urn:reprise:schemas/${type}/${version}`)).toBeTypeOf("function");
  });

  it.each(versions)("$type version $version takes what an append takes, and nothing else", ({ type, version, schema }) => {
    const valid = makeValidator().compile(catalog.jsonSchema(type, version)!);
    const { jsonSchema, hidden } = describeSchema(type, version, schema);
    expect(hidden).toEqual([]);
    for (const payload of payloadsOf(jsonSchema as Shape).values()) {
      const near = changesOf(jsonSchema as Shape, payload).flatMap((change) => changed(payload, change)?.data ?? []);
      for (const data of [payload, ...near] as readonly Json[]) expect([data, valid(data)]).toEqual([data, schema.safeParse(data).success]);
    }
  });

  it("takes whatever the order desk takes", () => {
    for (const { type, schemas } of deskEvents) {
      for (const [version, schema] of Object.entries(schemas as Record<string, z.ZodType>)) {
        const valid = makeValidator().compile(catalog.jsonSchema(type, Number(version))!);
        fc.assert(
          fc.property(arbitraryOf(schema), (data) => valid(data)),
          { numRuns: 30 },
        );
      }
    }
  });

  it("says what goes in: a member with a default may be missing, and one that is not listed may come", () => {
    const noteAdded = defineEvent("note.added", { 1: z.object({ text: z.string(), lang: z.string().default("en") }) });
    const notes = makeCatalog({ events: [noteAdded] });
    const valid = makeValidator().compile(notes.jsonSchema("note.added", 1)!);
    for (const data of [{ text: "a" }, { text: "a", lang: "de", more: 1 }, { lang: "de" }, { text: 1 }]) {
      const appended = (): boolean => {
        try {
          notes.validate("note.added", 1, data as Json);
          return true;
        } catch {
          return false;
        }
      };
      expect([data, valid(data)]).toEqual([data, appended()]);
    }
  });

  it("keeps the title that a schema has, and resolves a schema that holds itself", () => {
    const node: z.ZodType = z.strictObject({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });
    const trees = makeCatalog({ events: [defineEvent("tree.grown", { 1: z.strictObject({ root: node }).meta({ title: "A tree" }) })] });
    const schema = trees.jsonSchema("tree.grown", 1)!;
    expect(schema.title).toBe("A tree");
    const valid = makeValidator().compile(schema);
    expect(valid({ root: { name: "a", children: [{ name: "b", children: [] }] } })).toBe(true);
    expect(valid({ root: { name: "a", children: [{ name: 1, children: [] }] } })).toBe(false);
  });
});
