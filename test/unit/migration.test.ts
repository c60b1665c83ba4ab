import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineMigration, makeMigrations } from "../../src/catalog/migration.ts";
import { checkConfig } from "../../src/config/config.ts";
import { RepriseError } from "../../src/errors.ts";
import type { GivenEvent, Json, StoredEvent } from "../../src/event/event.ts";
import { makeStoredEvent } from "../support/stored-event.ts";

const placed = defineEvent(
  "order.placed",
  { 1: z.object({ total: z.number(), note: z.string().default("") }), 2: z.object({ totalCents: z.int().max(1000) }) },
  { formerly: ["order.created"] },
);
const upcasters = [defineUpcasters(placed, { 1: ({ total }) => ({ totalCents: Math.round(total * 100) }) })];

const stored = (data: Json, more: Partial<StoredEvent> = {}): StoredEvent => makeStoredEvent({ data, ...more });

function run(migrate: (data: { total: number; note?: string | undefined }, event: StoredEvent) => unknown, event = stored({ total: 1 })): Json {
  const migration = defineMigration({ name: "mend", event: placed, version: 1, migrate: migrate as never });
  const { catalog } = checkConfig({ events: [placed], upcasters });
  return makeMigrations(catalog, [migration]).run("mend", event);
}

function refusal(act: () => unknown): RepriseError {
  try {
    act();
  } catch (error) {
    if (error instanceof RepriseError) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

describe("a migration", () => {
  it("knows the data of its version as its schema takes it in", () => {
    defineMigration({
      name: "mend",
      event: placed,
      version: 1,
      migrate: (data, event) => {
        expectTypeOf(data).toEqualTypeOf<{ readonly total: number; readonly note?: string | undefined }>();
        expectTypeOf(event).toEqualTypeOf<GivenEvent>();
        return { ...data, total: data.total / 100 };
      },
    });
    // @ts-expect-error version 1 has a total
    defineMigration({ name: "mend", event: placed, version: 1, migrate: () => ({ totalCents: 1 }) });
    // @ts-expect-error there is no version 3
    defineMigration({ name: "mend", event: placed, version: 3, migrate: (data) => data });
  });

  it("makes new stored data, of the current name and of former ones", () => {
    expect(run(({ total }, { entity }) => ({ total: total + 1, note: entity.id }))).toEqual({ total: 2, note: "1" });
    expect(run((data) => data, stored({ total: 5 }, { type: "order.created" }))).toEqual({ total: 5 });
  });

  it.each<[string, Parameters<typeof run>[0], RegExp]>([
    ["throws", () => thrown(new RangeError("no price")), /it threw RangeError: no price/],
    ["throws no Error", () => thrown("secret" as never), /it threw something that is no Error\.$/],
    ["returns a promise", async (data) => data, /it returned a promise/],
    ["rejects", () => Promise.reject(new Error("later")), /it returned a promise/],
    ["returns nothing", () => undefined, /what JSON cannot hold/],
    ["returns what JSON cannot hold", () => ({ total: 1n }), /what JSON cannot hold/],
    ["returns what its version refuses", () => ({ total: "much" }), /its result is refused: #\/total: /],
    ["changes what it was given", (data) => Object.assign(data, { total: 2 }), /it threw TypeError/],
  ])("that %s fails with the reason", (_name, migrate, reason) => {
    const error = refusal(() => run(migrate));
    expect(error.code).toBe("MIGRATION_FAILED");
    expect(error.message).toMatch(reason);
  });

  it("fails for another type or version, and when its result cannot be lifted", () => {
    expect(refusal(() => run((data) => data, stored({ totalCents: 1 }, { schemaVersion: 2 }))).message).toMatch(/is for order.placed version 1/);
    expect(refusal(() => run((data) => data, stored({}, { type: "order.paid" }))).code).toBe("MIGRATION_FAILED");
    expect(refusal(() => run(() => ({ total: 99 }))).code).toBe("UPCAST_FAILED");
  });

  it("that the config does not have is refused with those that it has", () => {
    const { migrations } = checkConfig({ events: [placed], upcasters, migrations: [defineMigration({ name: "a", event: placed, version: 1, migrate: (data) => data })] }); // biome-ignore format: one line
    const error = refusal(() => migrations.mustKnow("b"));
    expect(error).toMatchObject({ code: "REQUEST_INVALID", errors: [{ pointer: "#/migration", detail: "is unknown: the config has a" }] });
  });
});

describe("migrations of a config", () => {
  const mend = defineMigration({ name: "mend", event: placed, version: 1, migrate: (data) => data });
  const other = defineEvent("order.paid", { 1: z.object({}) });
  it.each<[string, readonly unknown[], RegExp]>([
    ["a name twice", [mend, mend], /migrations\[1\]\.name is "mend", the name of an earlier one/],
    ["a name that is none", [{ ...mend, name: "Mend it" }], /migrations\[0\]\.name is "Mend it": it must be 1 to 63/],
    ["an event of another config", [{ ...mend, event: other }], /migrations\[0\]\.event is "order\.paid", whose definition is not in `events`/],
    ["a version that is not there", [{ ...mend, version: 3 }], /migrations\[0\]\.version is 3: order\.placed has versions 1, 2/],
    ["no function", [{ ...mend, migrate: 1 }], /migrations\[0\]\.migrate is 1: it must be a function/],
  ])("with %s are refused", (_name, migrations, words) => {
    expect(refusal(() => checkConfig({ events: [placed], upcasters, migrations: migrations as never })).message).toMatch(words);
  });
});

function thrown(error: unknown): never {
  throw error;
}
