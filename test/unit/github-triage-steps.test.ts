import fc from "fast-check";
import type { Json, StoredEvent } from "reprise";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { upcasters, versionedTypes } from "../../examples/github-triage/catalog.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { arbitraryInputOf } from "../support/arbitrary-of.ts";
import { makeGivenEvent } from "../support/stored-event.ts";

const catalog = makeCatalog({ events: versionedTypes, upcasters });

describe.each(versionedTypes.map((event) => [event.type, event.schemas as Readonly<Record<number, z.ZodType>>] as const))("%s", (type, schemas) => {
  it.each(Object.keys(schemas).map(Number))("lifts whatever is valid as version %i, keeps unknown members and changes no stored one", (schemaVersion) => {
    fc.assert(
      fc.property(arbitraryInputOf(schemas[schemaVersion]!), (data) => {
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
  return makeGivenEvent({ type, schemaVersion, data, stream: "default.repository-o/r" });
}
