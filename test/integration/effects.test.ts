import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { checkConfig, defineConfig } from "../../src/config/config.ts";
import { defineHandler, NotReady } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import { makeRunningHandlers } from "../../src/delivery/running-handlers.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import { noAppends } from "../support/no-appends.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, logRows, startStore } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ total: z.number() }) });
const order = (id: string): EventInput => ({ type: "order.placed", entity: { type: "order", id }, data: { total: 5 } });
const about = { tenant: "default", stream: "default.order-a" };

/** Charges once under a key, then does what `after` says. */
function payment(after: (context: HandlerContext) => unknown, options: { readonly dryRun?: boolean } = {}) {
  const charges: string[] = [];
  const got: unknown[] = [];
  const handler = defineHandler({
    ...{ name: "payment", events: [placed], retry: { maxAttempts: 3, initialDelayMs: 5, maxDelayMs: 5 } },
    ...options,
    on: {
      "order.placed": async ({ entity }, context) => {
        got.push(
          await context.effect("charge", () => {
            charges.push(entity.id);
            return { chargeId: `c-${charges.length}`, key: context.deliveryId };
          }),
        );
        await after(context);
      },
    },
  });
  return { charges, got, config: defineConfig({ events: [placed], handlers: [handler] }) };
}

describe("an effect", () => {
  it("runs once over three attempts, a restart and two replays; event history shows it without its result", async () => {
    const folder = temporaryFolder();
    let down = true;
    const { charges, got, config } = payment(() => (down ? Promise.reject(new Error("ledger down")) : undefined));
    let store = await startStore(config, folder);
    const [event] = await store.append([order("a"), order("b")]);
    await handlerShows(store, folder, "payment", { byStatus: { dead_lettered: 2 } });
    expect(charges).toHaveLength(2);
    await store.close();
    store = await startStore(config, folder);
    expect((await store.replay(event!.id)).status).toBe("dead_lettered");
    down = false;
    await handlerShows(store, folder, "payment", { byStatus: { dead_lettered: 2 } });
    expect((await store.replay(event!.id)).status).toBe("replayed");
    expect(charges).toHaveLength(2);
    expect(new Set(got.map((each) => JSON.stringify(each))).size).toBe(2);
    await handlerShows(store, folder, "payment", { byStatus: { dead_lettered: 1, replayed: 1 } });
    const [delivery] = (await store.views.event("default", event!.id))!.deliveries;
    expect(delivery).toMatchObject({ attempts: 7, effects: [{ key: "charge", part: null, at: expect.any(String), replayId: null }] });
    expect(JSON.stringify(delivery)).not.toContain("chargeId");
    const rows = (await logRows(folder)).filter(({ type }) => type === "effect.recorded");
    expect(new Set(rows.map(({ stream }) => stream))).toEqual(
      new Set(["reprise.effects-payment-default.order-a-0", "reprise.effects-payment-default.order-b-0"]),
    );
    expect(rows).toHaveLength(2);
  });

  it("is not repeated by a deferred call, nor after a clean stop that abandoned the call", async () => {
    const folder = temporaryFolder();
    let calls = 0;
    const stuck = Promise.withResolvers<void>();
    const { charges, config } = payment(({ signal }) => {
      calls++;
      if (calls === 1) throw new NotReady("later", { retryAfterMs: 5 });
      if (calls === 2) return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))).finally(() => stuck.resolve());
      return undefined;
    });
    const store = await startStore(config, folder, { clock: { ...systemClock, after: (ms, wake) => systemClock.after(Math.min(ms, 300), wake) } });
    await store.append(order("a"));
    await expect.poll(() => calls, { timeout: 25_000 }).toBe(2);
    await store.close(); // its patience is short here
    await stuck.promise;
    const again = await startStore(config, folder);
    await handlerShows(again, folder, "payment", { waiting: 0 });
    expect(calls).toBe(3);
    expect(charges).toEqual(["a"]);
  });

  it("with `again` runs once more for a replay, and both runs stay on record", async () => {
    const folder = temporaryFolder();
    let down = true;
    const { charges, got, config } = payment(() => (down ? Promise.reject(new Error("ledger down")) : undefined));
    const store = await startStore(config, folder);
    const [event] = await store.append(order("a"));
    await handlerShows(store, folder, "payment", { byStatus: { dead_lettered: 1 } });
    await store.close();

    const { catalog, handlers, limits } = checkConfig(config);
    const log = await openSqliteLog(folder);
    const logger = { info() {}, warn() {}, error() {} };
    const delivery = makeRunningHandlers({
      handlers,
      catalog,
      log,
      clock: systemClock,
      newId,
      random: Math.random,
      limits,
      logger,
      appends: noAppends,
      build: "test",
    });
    onTestFinished(async () => {
      await delivery.stop(0);
      await log.close();
    });
    await delivery.start();
    const replayOf = (replayId: string, effects: "once" | "again") =>
      delivery.must("payment").letters.replay({ ...about, revision: 0, attempts: null, replayId, actor: "anna", reason: null, effects });
    expect((await replayOf("r-1", "again")).end.outcome).toBe("dead_lettered"); // three attempts, one charge
    down = false;
    expect((await replayOf("r-2", "once")).end.outcome).toBe("replayed");
    expect(charges).toEqual(["a", "a"]);
    expect(got).toEqual([...Array(3).fill({ chargeId: "c-1", key: expect.any(String) }), ...Array(4).fill({ chargeId: "c-2", key: expect.any(String) })]);
    const rows = (await logRows(folder)).filter(({ type }) => type === "effect.recorded");
    expect(rows.map(({ data }) => [data.eventId, data.key, data.replayId, data.attempt])).toEqual([
      [event!.id, "charge", undefined, 1],
      [event!.id, "charge", "r-1", 4],
    ]);
  });

  it("of a job runs again where the job says so; a dry run asks for it and does nothing; a replay of history gets what is on record", async () => {
    const folder = temporaryFolder();
    let down = true;
    const { charges, config } = payment(() => (down ? Promise.reject(new Error("ledger down")) : undefined), { dryRun: true });
    const store = await startStore(config, folder);
    await store.append([order("a"), order("b")]);
    await handlerShows(store, folder, "payment", { byStatus: { dead_lettered: 2 } });
    down = false;
    const terms = { ratePerSecond: null, canary: null, stopWhen: null } as const;
    const run = async (selection: Parameters<typeof toSelection>[0], mode: "run" | "dry_run", effects: "once" | "again") => {
      const { planId } = await store.planReplay(toSelection(selection));
      const { replayId } = await store.startReplay(planId, { reason: "mended", terms: { ...terms, mode, effects } });
      await expect.poll(() => store.replayState(replayId), { timeout: 20_000 }).toMatchObject({ status: "completed", failed: 0 });
      return replayId;
    };
    expect([...charges].sort()).toEqual(["a", "b"]);
    const dry = await run({ deadLetters: { handler: "payment" } }, "dry_run", "once");
    expect((await store.replayReport(dry, { limit: 10 })).items.map(({ effects }) => effects)).toEqual([["charge"], ["charge"]]);
    expect(charges).toHaveLength(2);
    const again = await run({ deadLetters: { handler: "payment", entityId: "a" } }, "run", "again");
    const once = await run({ deadLetters: { handler: "payment" } }, "run", "once");
    await run({ history: { handler: "payment" } }, "run", "once");
    expect(charges.slice(2)).toEqual(["a"]);
    const recorded = (await logRows(folder)).filter(({ type }) => type === "effect.recorded").map(({ data }) => data as { lane: string; replayId?: string });
    expect(recorded.filter(({ lane }) => lane === "default.order-a").map(({ replayId }) => replayId)).toEqual([undefined, again]);
    expect(recorded.filter(({ lane }) => lane === "default.order-b").map(({ replayId }) => replayId)).toEqual([undefined]);
    expect(once).not.toBe(again);
  });
});
