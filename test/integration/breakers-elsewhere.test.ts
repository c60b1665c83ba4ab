/** Integrations that several instances call: what the breaker does at one of them binds all, and one of them makes the trial. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, defineIntegration, openStore, RetryAfter, type Store } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const coolDownMs = 500;

interface Bank {
  readonly url: string;
  readonly calls: { readonly instance: string; readonly entity: string; readonly revision: number; readonly atMs: number; readonly state: Bank["state"] }[];
  state: "up" | "down" | "busy";
  /** How long a call takes while it is down. */
  takesMs: number;
}

async function open(bank: Bank, instance: string): Promise<Store> {
  const handler = defineHandler({
    name: "pay",
    partitions: 3,
    startFrom: "beginning",
    integration: "bank",
    retry: { maxAttempts: 20, initialDelayMs: 50 },
    events: [happened],
    on: {
      "thing.happened": async ({ entity, revision }) => {
        const { state } = bank;
        bank.calls.push({ instance, entity: entity.id, revision, atMs: performance.now(), state });
        if (state === "up") return;
        await wait(bank.takesMs);
        throw state === "busy" ? new RetryAfter(60_000) : new Error("the bank does not answer");
      },
    },
  });
  const integrations = [defineIntegration({ name: "bank", breaker: { failures: 3, withinMs: 30_000, coolDownMs } })];
  const config = defineConfig({ events: [happened], integrations, handlers: [handler] });
  const store = await openStore(config, { log: bank.url, data: temporaryFolder(), instance, instances: "many" });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

const events = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: `e${n}` }, data: {} }));
const owned = (store: Store, name: string) =>
  store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${name}.`)).length;

/** Three instances, each with partitions of its own. */
async function threeInstances(): Promise<{ readonly bank: Bank; readonly stores: readonly Store[]; readonly stateOf: (store: Store) => Promise<string> }> {
  const { url } = await startLogServer();
  const bank: Bank = { url, calls: [], state: "up", takesMs: 0 };
  const names = ["one", "two", "three"];
  const stores: Store[] = [];
  for (const name of names) stores.push(await open(bank, name));
  await until("a share each", () => stores.every((store, n) => owned(store, names[n]!) === 1));
  return { bank, stores, stateOf: async (store) => (await store.integrations())[0]!.state };
}

async function recordsOf(url: string): Promise<readonly string[]> {
  const log = await openLog(url);
  const types: string[] = [];
  for await (const batch of log.readStream("reprise.integration-bank")) types.push(...batch.map(({ type }) => type.slice("integration.".length)));
  await log.close();
  return types;
}

describe("an integration that three instances call", { timeout: 90_000 }, () => {
  it("opens, closes, is isolated, reset and left alone at all of them at once, and each trial is made by exactly one, which another replaces", async () => {
    const { bank, stores, stateOf } = await threeInstances();
    const [one, two, three] = stores;
    const all = async (state: string) => (await Promise.all(stores.map(stateOf))).every((each) => each === state);
    Object.assign(bank, { state: "down", takesMs: 200 });
    await one!.append(events(60));
    await until("open at all", async () => !(await Promise.all(stores.map(stateOf))).includes("closed"));
    const before = bank.calls.length; // from now on nothing begins but trials
    await until("three trials", () => bank.calls.length - before >= 3);
    bank.state = "up";
    await until("all calls", () => new Set(bank.calls.flatMap(({ state, entity }) => (state === "up" ? [entity] : []))).size === 60);
    await until("closed at all", () => all("closed"));
    const good = bank.calls.filter(({ state }) => state === "up");
    expect(good).toHaveLength(60);
    expect(new Set(good.map(({ instance }) => instance)).size).toBe(3);
    // Each trial is one call of one instance, whose record was taken first, and each waits for twice as long as the one before.
    const trials = bank.calls.slice(before).filter(({ state }) => state === "down");
    for (const [n, { atMs }] of trials.entries()) if (n > 0) expect(atMs - trials[n - 1]!.atMs).toBeGreaterThan(coolDownMs * 2 ** n - 50);
    const records = await recordsOf(bank.url);
    expect(records.join(" ")).toMatch(/^opened( trial_begun opened)+ trial_begun closed$/);
    expect(trials.length).toBeLessThan(records.filter((type) => type === "trial_begun").length); // the last one went well
    expect((await one!.views.handlers())[0]!.byStatus).toMatchObject({ dead_lettered: 0 });

    // Isolated and reset, whichever instance is told.
    bank.calls.length = 0;
    await two!.isolateIntegration("bank", { actor: "anna", reason: "it charges twice" });
    expect(await stateOf(two!)).toBe("isolated");
    await until("isolated at all", () => all("isolated"));
    await one!.append(events(30));
    await wait(500);
    expect(bank.calls).toEqual([]);
    await three!.resetIntegration("bank", { reason: "mended" });
    await until("all calls", () => bank.calls.length === 30);
    expect(await all("closed")).toBe(true);

    // The one that makes the trial is gone before it ends.
    Object.assign(bank, { state: "down", takesMs: 0 });
    await one!.append(events(30));
    await until("open", () => all("open"));
    bank.takesMs = 60_000;
    const earlier = bank.calls.length;
    await until("a trial", () => bank.calls.length > earlier);
    const trier = bank.calls[earlier]!.instance;
    Object.assign(bank, { state: "up", takesMs: 0 });
    await stores[["one", "two", "three"].indexOf(trier)]!.close();
    const done = () => new Set(bank.calls.slice(earlier).flatMap(({ state, entity }) => (state === "up" ? [entity] : []))).size;
    await until("the others to go on", () => done() === 30);

    // One answer binds all.
    const left = stores.filter((_, n) => n !== ["one", "two", "three"].indexOf(trier));
    bank.state = "busy";
    await left[0]!.append(events(1));
    await until("the break at all", async () =>
      (await Promise.all(left.map(async (store) => (await store.integrations())[0]!.gatedUntil))).every((until) => until !== null),
    );
  });
});
