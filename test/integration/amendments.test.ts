import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineMigration } from "../../src/catalog/migration.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", {
  1: z.object({ total: z.number(), pad: z.string().optional() }),
  2: z.object({ totalCents: z.int(), pad: z.string().optional() }),
});
const upcasters = [defineUpcasters(placed, { 1: ({ total, ...rest }) => ({ ...rest, totalCents: Math.round(total * 100) }) })];
const order = (id: string, total: number, pad?: string): EventInput => ({
  ...{ type: "order.placed", schemaVersion: 1, entity: { type: "order", id }, data: { total, ...(pad === undefined ? {} : { pad }) } },
});
/** Mends negative totals; of zero it can make nothing. */
const positive = defineMigration({
  name: "positive",
  event: placed,
  version: 1,
  migrate: (data) => {
    if (data.total === 0) throw new Error("nothing was ordered");
    return { ...data, total: Math.abs(data.total) };
  },
});

/** A ledger that refuses totals below 1, and a mirror that takes all; `down` makes the ledger fail for another reason. */
function shop() {
  const seen: { handler: string; id: string; totalCents: number; replay: string | null; attempt: number }[] = [];
  const state = { down: 0 };
  const config: Config = defineConfig({
    events: [placed],
    upcasters,
    migrations: [positive],
    handlers: (["ledger", "mirror"] as const).map((name) =>
      defineHandler({
        name,
        events: [placed],
        retry: { maxAttempts: 3, initialDelayMs: 5, maxDelayMs: 5 },
        retryByType: {},
        on: {
          "order.placed": ({ entity, data }, { replay, attempt }) => {
            seen.push({ handler: name, id: entity.id, totalCents: data.totalCents, replay: replay?.id ?? null, attempt });
            if (name === "ledger" && state.down > 0 && state.down--) throw new Error("down");
            if (name === "ledger" && data.totalCents < 1) throw new Error("nothing to book");
          },
        },
      }),
    ),
  });
  return { seen, state, config };
}

const letters = (store: Store) => store.views.deadLetters({ tenant: "default" }, { limit: 50 }).then(({ events }) => events);
const dead = (count: number, held = 0) => ({ byStatus: { dead_lettered: count, held } });

describe("an amended dead letter", () => {
  it("is delivered with the new data to its handler alone, over retries and a restart, and both stay on record", async () => {
    const folder = temporaryFolder();
    const { seen, state, config } = shop();
    let store = await startStore(config, folder);
    const [first] = await store.append([order("a", -5), order("a", 2)]);
    await handlerShows(store, folder, "ledger", dead(1, 1));
    await handlerShows(store, folder, "mirror", { done: 2 });

    const big = "x".repeat(600_000);
    const amended = await store.amend(first!.id, { data: { total: 4, pad: big }, reason: "sign lost" });
    expect(amended.entry).toMatchObject({
      ...{ handler: "ledger", data: { totalCents: 400 }, schemaVersion: 2, storedSchemaVersion: 1, stored: { data: { total: -5 } } },
      amendment: { actor: "local", reason: "sign lost", migration: null, data: { total: 4 }, changesTotal: 2 },
      steps: [{ from: 1, to: 2, data: { totalCents: 400 } }],
    });
    await store.amend(first!.id, { data: { total: 5, pad: big }, reason: "now right", actor: "anna" });
    await handlerShows(store, folder, "ledger", dead(1, 1)); // it releases nothing
    const [letter] = await store.views.findDeadLetters("default", first!.id);
    expect(letter).toMatchObject({
      ...{ data: { totalCents: 500 }, stored: { schemaVersion: 1, data: { total: -5 } } },
      amendment: {
        ...{ actor: "anna", reason: "now right", at: letter!.amendedAt },
        changes: [
          { op: "replace", pointer: "#/total", before: -5, after: 5 },
          { op: "add", pointer: "#/pad", after: big },
        ],
      },
      amendments: [{ reason: "now right" }, { reason: "sign lost" }],
    });
    expect(await letters(store)).toMatchObject([{ data: { totalCents: 500 }, amendedAt: letter!.amendedAt }]);
    // Everybody else sees the original.
    expect((await store.readEntity({ type: "order", id: "a" })).events[0]).toMatchObject({ data: { totalCents: -500 }, stored: { data: { total: -5 } } });
    expect((await store.views.event("default", first!.id))!.data).toMatchObject({ totalCents: -500 });

    await store.close(); // the journal's snapshot says where the amendment stands
    const rows = await logRows(folder);
    for (const { data } of rows.filter(({ type }) => type === "snapshot")) expect(JSON.stringify(data).length).toBeLessThan(10_000);
    store = await startStore(config, folder);
    state.down = 7; // three attempts of these replays, and one of the next
    for (let tries = 0; tries < 2; tries++) {
      expect(await store.replay(first!.id, { reason: "try" })).toMatchObject({ status: "dead_lettered", error: { message: "down" } });
      await handlerShows(store, folder, "ledger", dead(1, 1));
    }
    await store.close();
    store = await startStore(config, folder);
    const replayed = await store.replay(first!.id, { reason: "again" });
    expect(replayed.status).toBe("replayed");
    await handlerShows(store, folder, "ledger", { waiting: 0, byStatus: { replayed: 1, completed: 1 } });
    const replays = seen.filter(({ replay }) => replay !== null);
    expect(replays.map(({ handler, totalCents }) => [handler, totalCents])).toEqual(Array.from({ length: 8 }, () => ["ledger", 500]));
    const { deliveries } = (await store.views.event("default", first!.id))!;
    expect(deliveries).toMatchObject([
      { handler: "ledger", status: "replayed", amendments: [{ actor: "anna", reason: "now right" }, { reason: "sign lost" }] },
      { handler: "mirror", status: "completed", amendments: [] },
    ]);
    const facts = (await logRows(folder)).filter(({ type }) => type === "delivery.amended");
    expect(facts.map(({ data }) => [data.before, data.replaces, data.revision])).toEqual([
      ["dead_lettered", "stored", 0],
      ["dead_lettered", "amended", 0],
    ]);
    await expect(store.amend(first!.id, { data: { total: 1 }, reason: "late" })).rejects.toMatchObject({ code: "NOT_DEAD_LETTERED" });
  });

  it("refuses what its version's schema refuses, what cannot be lifted, and what fits into no append: nothing changes", async () => {
    const folder = temporaryFolder();
    const { config } = shop();
    const store = await startStore(config, folder);
    const [first] = await store.append([order("a", -5)]);
    await handlerShows(store, folder, "ledger", dead(1));
    const amend = (data: EventInput["data"]) => store.amend(first!.id, { data, reason: "try" });
    await expect(amend({ total: "5" })).rejects.toMatchObject({ code: "DATA_INVALID", errors: [{ pointer: "#/data/total" }] });
    await expect(amend({ totalCents: 500 })).rejects.toMatchObject({ code: "DATA_INVALID" });
    await expect(amend({ total: 1e17 })).rejects.toMatchObject({ code: "UPCAST_FAILED" });
    await expect(amend({ total: 5, pad: "x".repeat(960_000) })).rejects.toMatchObject({ code: "APPEND_TOO_LARGE" });
    await expect(store.amend("0198c0de-0000-7000-8000-00000000dead", { data: {}, reason: "x" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect((await logRows(folder)).filter(({ type }) => type === "delivery.amended")).toEqual([]);
    expect(await letters(store)).toMatchObject([{ data: { totalCents: -500 }, amendedAt: null }]);
    await amend({ total: 5 });
    expect(await store.replay(first!.id)).toMatchObject({ status: "replayed" });
  });

  it("is not delivered while it is being amended: a replay that comes at the same moment has the new data", async () => {
    const folder = temporaryFolder();
    const { seen, config } = shop();
    const store = await startStore(config, folder);
    const ids = (await store.append(Array.from({ length: 20 }, (_, index) => order(`e${index}`, -1)))).map(({ id }) => id);
    await handlerShows(store, folder, "ledger", dead(20));
    const said = await Promise.all(
      ids.map(async (id) => {
        const amending = store.amend(id, { data: { total: 7 }, reason: "now" }).then(
          () => true,
          () => false, // the replay was first
        );
        await Promise.all([amending, store.replay(id)]);
        return amending;
      }),
    );
    for (const [index, amended] of said.entries())
      expect(new Set(seen.filter(({ id, replay }) => id === `e${index}` && replay !== null).map(({ totalCents }) => totalCents))).toEqual(
        new Set([amended ? 700 : -100]),
      );
  });
});

describe("a migration", () => {
  it("named on a replay amends and delivers; one that fails changes nothing", async () => {
    const folder = temporaryFolder();
    const { seen, config } = shop();
    const store = await startStore(config, folder);
    const [first, zero] = await store.append([order("a", -5), order("b", 0)]);
    await handlerShows(store, folder, "ledger", dead(2));
    const before = (await logRows(folder)).length;
    await expect(store.replay(first!.id, { migration: "unknown" })).rejects.toMatchObject({ code: "REQUEST_INVALID", errors: [{ pointer: "#/migration" }] });
    await expect(store.replay(zero!.id, { migration: "positive" })).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(/nothing was ordered/),
    });
    expect((await logRows(folder)).length).toBe(before);

    const replayed = await store.replay(first!.id, { migration: "positive", reason: "signs", actor: "anna" });
    expect(replayed.status).toBe("replayed");
    expect(seen.at(-1)).toMatchObject({ handler: "ledger", id: "a", totalCents: 500, replay: replayed.replayId });
    await handlerShows(store, folder, "ledger", { byStatus: { dead_lettered: 1, replayed: 1 } });
    expect((await store.views.event("default", first!.id))!.deliveries[0]!.amendments).toMatchObject([
      { actor: "anna", reason: "signs", migration: "positive", replayId: replayed.replayId },
    ]);
  });

  it("named on a batch mends what it can; the others are skipped with the reason", async () => {
    const folder = temporaryFolder();
    const { config } = shop();
    const store = await startStore(config, folder);
    await store.append([order("a", -5), order("b", 0), order("c", -7), { ...order("d", 0), schemaVersion: 2, data: { totalCents: 0 } }]);
    await handlerShows(store, folder, "ledger", dead(4));
    const result = await store.replayBatch({ handler: "ledger" }, { migration: "positive" });
    expect(result).toMatchObject({ total: 4, succeeded: 2, failed: 0, skipped: 2, remaining: 0 });
    expect(result.skips.toSorted((a, b) => (a.reason < b.reason ? -1 : 1))).toEqual([
      { count: 1, reason: 'Migration "positive": it is for order.placed version 1, and this is order.placed version 2.' },
      { count: 1, reason: 'Migration "positive": it threw Error: nothing was ordered' },
    ]);
    await handlerShows(store, folder, "ledger", { byStatus: { dead_lettered: 2, replayed: 2 } });
    expect(await letters(store)).toMatchObject([{ amendedAt: null }, { amendedAt: null }]);
  });

  it("starts from what is stored: naming it twice gives the same, and a repeat within one replay records nothing more", async () => {
    const folder = temporaryFolder();
    const { state, seen, config } = shop();
    const store = await startStore(config, folder);
    const [first] = await store.append([order("a", -5)]);
    await handlerShows(store, folder, "ledger", dead(1));
    state.down = 3;
    expect((await store.replay(first!.id, { migration: "positive" })).status).toBe("dead_lettered");
    await handlerShows(store, folder, "ledger", dead(1));
    expect((await store.replay(first!.id, { migration: "positive" })).status).toBe("replayed");
    expect(seen.filter(({ replay }) => replay !== null).map(({ totalCents }) => totalCents)).toEqual([500, 500, 500, 500]);
    expect((await logRows(folder)).filter(({ type }) => type === "delivery.amended").length).toBe(2);
  });
});
