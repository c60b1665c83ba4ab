/** Every step that ships, the order desk's and GitHub's: whatever is valid as version N becomes a valid version N + 1, and what is current stays as it is. */
import fc from "fast-check";
import type { EventDefinition, Json, StoredEvent, UpcasterChain } from "reprise";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { events as githubEvents, upcasters as githubUpcasters } from "../../examples/github-triage/catalog.ts";
import { events as deskEvents } from "../../schemas/index.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { freezeDeep } from "../../src/event/freeze-deep.ts";
import { upcasters as deskUpcasters } from "../../upcasters/index.ts";
import { arbitraryInputOf, arbitraryOf } from "../support/arbitrary-of.ts";
import { makeGivenEvent } from "../support/stored-event.ts";

const events: readonly EventDefinition[] = [...deskEvents, ...githubEvents];
const chains: readonly UpcasterChain[] = [...deskUpcasters, ...githubUpcasters];
const catalog = makeCatalog({ events, upcasters: chains });
const numRuns = 50;

const steps = chains.flatMap(({ event, steps }) =>
  Object.keys(steps).map((from) => ({ type: event.type, from: Number(from), step: steps[Number(from)]!, schemas: event.schemas })),
);
const versions = events.flatMap(({ type, schemas }) =>
  Object.keys(schemas).map((version) => ({ type, version: Number(version), schema: schemas[Number(version)]! as z.ZodType<Json> })),
);

function stored(type: string, schemaVersion: number, data: Json): StoredEvent {
  return makeGivenEvent({ type, schemaVersion, source: "till", data });
}

describe("every shipped step", () => {
  it("is here", () => {
    const needed = events.reduce((sum, { schemas }) => sum + Object.keys(schemas).length - 1, 0);
    expect(steps).toHaveLength(needed);
    expect(needed).toBeGreaterThan(10);
  });

  it.each(steps)("$type v$from: any valid payload becomes a valid one of the next version, and stays as it was itself", ({ type, from, step, schemas }) => {
    const next = schemas[from + 1]!;
    fc.assert(
      fc.property(arbitraryOf(schemas[from]! as z.ZodType<Json>), (data) => {
        const before = structuredClone(data);
        const event = freezeDeep(stored(type, from, structuredClone(data)));
        const result = step(freezeDeep(data) as never, event);
        expect(next.safeParse(result)).toMatchObject({ success: true });
        expect(step(data as never, event)).toEqual(result);
        expect(data).toStrictEqual(before);
      }),
      { numRuns },
    );
  });

  it.each(versions)("$type v$version: lifted to current, it is a fixpoint, and the stored event is untouched", ({ type, version, schema }) => {
    const { current } = catalog.describe(type)!;
    fc.assert(
      fc.property(arbitraryInputOf(schema), (data) => {
        const event = stored(type, version, data);
        const before = structuredClone(event);
        const today = dataOf(event);
        expect(event).toStrictEqual(before);
        expect(dataOf(stored(type, current, today))).toStrictEqual(today);
      }),
      { numRuns },
    );
  });
});

function dataOf(event: StoredEvent): Json {
  const lifted = catalog.current(event);
  if (!lifted.ok || lifted.parts.length !== 1) throw new Error(lifted.ok ? "no single event" : lifted.error.message);
  return lifted.parts[0]!.data as Json;
}
