/** Integrations at work, on an injected clock: one that is down or asks for a break costs its handlers time, and nothing else. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, RetryAfter, Terminal } from "../../src/delivery/handler.ts";
import { defineIntegration, type IntegrationDefinition } from "../../src/delivery/integration-definition.ts";
import type { Store } from "../../src/store/store.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logRows, startStore } from "../support/test-store.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const thing = (entity: number) => ({ type: "thing.happened", entity: { type: "thing", id: String(entity) }, data: {} });

/** What came, handler by handler. */
interface Call {
  readonly handler: string;
  readonly entity: string;
  readonly revision: number;
  readonly attempt: number;
  readonly atMs: number;
  readonly failed: boolean;
}

/** Lets the clock go on until `condition` holds; the log answers in turns of the event loop, not of the clock. */
async function until(clock: FakeClock, condition: () => Promise<boolean> | boolean, stepMs = 10): Promise<void> {
  for (let steps = 0; !(await condition()); steps++) {
    if (steps > 20_000) expect.fail("it never came");
    await clock.advance(stepMs);
  }
}

/** Handlers of one integration, whose receiver answers as `receiver` says, by the clock. */
function scene(handlers: number, receiver: (atMs: number) => void, integration: Partial<IntegrationDefinition> = {}) {
  const folder = temporaryFolder();
  const calls: Call[] = [];
  const open = async (clock: FakeClock): Promise<Store> => {
    const names = Array.from({ length: handlers }, (_, n) => `handler-${n}`);
    const config = defineConfig({
      events: [happened],
      integrations: [defineIntegration({ name: "bank", ...integration })],
      handlers: names.map((name) =>
        defineHandler({
          ...{ name, integration: "bank", events: [happened], startFrom: "beginning" },
          on: {
            "thing.happened": async ({ entity, revision }, { attempt }) => {
              const about = { handler: name, entity: entity.id, revision, attempt, atMs: clock.now() };
              try {
                receiver(clock.now());
              } catch (error) {
                calls.push({ ...about, failed: true });
                throw error;
              }
              calls.push({ ...about, failed: false });
            },
          },
        }),
      ),
    });
    return startStore(config, folder, { clock });
  };
  const facts = async (type: string) => (await logRows(folder)).filter((row) => row.type === type);
  return { open, calls, facts };
}

/** Until that many calls went well, and the views know. */
async function allDone(store: Store, clock: FakeClock, calls: readonly Call[], count: number): Promise<void> {
  let [done, seen] = [0, 0];
  const isDone = () => {
    for (; seen < calls.length; seen++) if (!calls[seen]!.failed) done++;
    return done >= count;
  };
  await until(clock, isDone, 500);
  await until(clock, async () => (await waitingOf(store)) === 0, 100);
}

const waitingOf = async (store: Store) => (await store.integrations())[0]!.waiting;

/** Each handler saw each entity's events once and in order, calls that failed apart. */
function expectOrdered(calls: readonly Call[], entities: number, each: number): void {
  const seen = new Map<string, number[]>();
  for (const { handler, entity, revision, failed } of calls) {
    const lane = `${handler} ${entity}`;
    if (!failed) seen.set(lane, [...(seen.get(lane) ?? []), revision]);
  }
  expect(seen.size).toBe(entities);
  const inOrder = Array.from({ length: each }, (_, revision) => revision);
  for (const [lane, revisions] of seen) expect(revisions, lane).toEqual(inOrder);
}

describe("an integration that is down for 60 s under 2,000 events", () => {
  const start = Date.UTC(2026, 0, 1);
  const downUntil = start + 60_000;
  const isDown = (atMs: number) => {
    if (atMs < downUntil) throw new Error("the bank does not answer");
  };

  it.each([
    { handlers: 1, entities: 200, each: 10 },
    { handlers: 16, entities: 25, each: 5 },
  ])(
    "of $handlers handlers: at most 12 calls go out while it is open, no attempt is wasted, all come in order afterwards",
    async ({ handlers, entities, each }) => {
      const { open, calls, facts } = scene(handlers, isDown);
      const clock = makeFakeClock(start);
      const store = await open(clock);
      const events = Array.from({ length: entities * each }, (_, n) => thing(n % entities));
      for (let n = 0; n < events.length; n += 1000) await store.append(events.slice(n, n + 1000));
      await until(clock, () => calls.length >= 5);
      await until(clock, async () => (await facts("integration.opened")).length > 0, 50);
      await until(clock, async () => (await waitingOf(store)) === events.length * handlers, 200);
      expect(await store.integrations()).toMatchObject([{ name: "bank", state: "open" }]);
      await allDone(store, clock, calls, events.length * handlers);

      const [opened, ...again] = await facts("integration.opened");
      const openedMs = Date.parse((opened!.data as { until: string }).until) - 30_000;
      const whileOpen = calls.filter(({ atMs, failed }) => failed && atMs > openedMs);
      expect(whileOpen.length).toBeLessThanOrEqual(12);
      expect(again).toHaveLength(1); // the trial after 30 s failed; the one after 90 s went well
      expect(await store.integrations()).toMatchObject([{ state: "closed", waiting: 0, failures: 0 }]);
      expect(await facts("delivery.dead_lettered")).toEqual([]);
      // Only the five that opened it used an attempt.
      expect(await facts("delivery.failed")).toHaveLength(5);
      expect(Math.max(...calls.map(({ attempt }) => attempt))).toBeLessThanOrEqual(2);
      expect(calls.filter(({ attempt, failed }) => attempt === 2 && !failed)).toHaveLength(5);
      expectOrdered(calls, entities * handlers, each);
    },
    60_000,
  );

  it("stays open over a restart, and closes by itself", async () => {
    const { open, calls, facts } = scene(2, isDown);
    let clock = makeFakeClock(start);
    let store = await open(clock);
    await store.append(Array.from({ length: 40 }, (_, n) => thing(n % 20)));
    await until(clock, async () => (await facts("integration.opened")).length > 0);
    const before = calls.length;
    await store.close();
    clock = makeFakeClock(clock.now() + 5000);
    store = await open(clock);
    expect(await store.integrations()).toMatchObject([{ state: "open", handlers: ["handler-0", "handler-1"] }]);
    await clock.advance(20_000);
    expect(calls).toHaveLength(before);
    await allDone(store, clock, calls, 80);
    expect(await store.integrations()).toMatchObject([{ state: "closed" }]);
    expect(await facts("delivery.dead_lettered")).toEqual([]);
    expectOrdered(calls, 40, 2);
  });
});

describe("a single 429", () => {
  it("has all handlers of the integration wait, over a restart, too", async () => {
    const start = Date.UTC(2026, 0, 1);
    let first: number | null = null;
    const { open, calls, facts } = scene(8, (atMs) => {
      first ??= atMs;
      if (atMs < first + 7000) throw new RetryAfter(first + 7000 - atMs, "too many requests");
    });
    let clock = makeFakeClock(start);
    let store = await open(clock);
    await store.append(Array.from({ length: 100 }, (_, n) => thing(n)));
    await until(clock, async () => (await facts("integration.gated")).length > 0);
    await until(clock, async () => (await facts("delivery.deferred")).length > 0);
    const asked = calls.length;
    expect(asked).toBeLessThanOrEqual(8 * 16); // those under way when the first answer came
    await clock.advance(3000);
    expect(calls).toHaveLength(asked);
    await store.close();
    clock = makeFakeClock(clock.now());
    store = await open(clock);
    expect((await store.integrations())[0]).toMatchObject({ state: "closed", gatedUntil: expect.any(String) });
    await clock.advance(first! + 6900 - clock.now());
    expect(calls).toHaveLength(asked);
    await until(clock, async () => (await waitingOf(store)) === 0, 100);
    expect(calls.every(({ atMs, failed }) => failed === atMs < first! + 7000)).toBe(true);
    expect(await facts("delivery.failed")).toEqual([]);
    expectOrdered(calls, 800, 1);
  });
});

describe("an operator", () => {
  it("isolates an integration over a restart, and has it go on", async () => {
    const { open, calls, facts } = scene(3, () => {});
    let clock = makeFakeClock();
    let store = await open(clock);
    await store.isolateIntegration("bank", { actor: "anna", reason: "it charges twice" });
    await store.append([thing(1), thing(1), thing(2)]);
    await clock.advance(3_600_000);
    expect(await store.integrations()).toMatchObject([{ state: "isolated", until: null, waiting: 9 }]);
    await store.close();
    clock = makeFakeClock(clock.now());
    store = await open(clock);
    await clock.advance(3_600_000);
    expect([calls.length, (await store.integrations())[0]!.state]).toEqual([0, "isolated"]);
    await store.resetIntegration("bank", { actor: "anna", reason: "repaired" });
    await until(clock, async () => (await waitingOf(store)) === 0);
    expectOrdered(
      calls.filter(({ entity }) => entity === "1"),
      3,
      2,
    );
    expect((await facts("integration.isolated"))[0]!.data).toEqual({ act: { actor: "anna", reason: "it charges twice" } });
    expect((await facts("integration.reset"))[0]!.data).toEqual({ act: { actor: "anna", reason: "repaired" } });
    await expect(store.isolateIntegration("post")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("what is the event's own fault", () => {
  it("opens nothing, however often: Terminal is an answer", async () => {
    const { open, calls, facts } = scene(1, () => {
      throw new Terminal("no such account");
    });
    const clock = makeFakeClock();
    const store = await open(clock);
    await store.append(Array.from({ length: 30 }, (_, n) => thing(n)));
    await until(clock, async () => (await facts("delivery.dead_lettered")).length === 30);
    expect(calls).toHaveLength(30);
    expect(await store.integrations()).toMatchObject([{ state: "closed", since: null, failures: 0 }]);
  });
});

describe("concurrency and rate", () => {
  it("bind all handlers of an integration together", async () => {
    const { open, calls } = scene(4, () => {}, { concurrency: 1, rate: { perSecond: 10 } });
    const clock = makeFakeClock();
    const store = await open(clock);
    await store.append(Array.from({ length: 20 }, (_, n) => thing(n)));
    await until(clock, () => calls.length === 80);
    const times = calls.map(({ atMs }) => atMs);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(7500); // 80 calls at ten a second, with a slack of 100 ms
    for (const [n, atMs] of times.entries()) if (n >= 12) expect(atMs - times[n - 12]!).toBeGreaterThanOrEqual(1000);
    const shares = calls.slice(0, 40).map(({ handler }) => handler);
    for (const name of new Set(shares)) expect(Math.abs(shares.filter((each) => each === name).length - 10)).toBeLessThanOrEqual(1);
  });
});
