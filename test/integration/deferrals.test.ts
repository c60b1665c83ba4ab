/** Handlers that are never ready: no wait is zero, and none goes on for ever, over restarts and clocks that are set. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, NotReady } from "../../src/delivery/handler.ts";
import type { Store } from "../../src/store/store.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logRows, startStore } from "../support/test-store.ts";

const happened = defineEvent("thing.happened", { 1: z.object({}) });
const dayMs = 86_400_000;

function scene(retryAfterMs: () => number | undefined) {
  const folder = temporaryFolder();
  const calls: number[] = [];
  const open = async (clock: ReturnType<typeof makeFakeClock>): Promise<Store> =>
    startStore(
      defineConfig({
        events: [happened],
        handlers: [
          defineHandler({
            name: "waits",
            retry: { maxAttempts: 2, initialDelayMs: 2 * dayMs, maxDelayMs: 2 * dayMs },
            on: {
              "thing.happened": () => {
                calls.push(clock.monotonicMs());
                const asked = retryAfterMs();
                if (asked === undefined) throw new Error("fails");
                throw new NotReady("not yet", { retryAfterMs: asked });
              },
            },
          }),
        ],
      }),
      folder,
      { clock },
    );
  const rows = async (...types: readonly string[]) => (await logRows(folder)).filter(({ type }) => types.includes(type));
  return { open, calls, rows };
}

/** Lets what the time brought about come to its end: the log answers in turns of the event loop, not of the clock. */
async function pass(clock: ReturnType<typeof makeFakeClock>, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turns = 0; turns < 3; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(20); // a record's wait
  }
}

describe("a handler that is never ready", () => {
  it.each([0, Number.NEGATIVE_INFINITY])("and asks for %d ms is called a little later each time, and is a dead letter after a day", async (asked) => {
    const { open, calls, rows } = scene(() => asked);
    let clock = makeFakeClock();
    let store = await open(clock);
    await store.append([{ type: "thing.happened", entity: { type: "thing", id: "1" }, data: {} }]);
    for (let round = 0; round < 60; round++) await pass(clock, 500);
    const before = calls.length;
    expect(before).toBeGreaterThan(5);
    expect(before).toBeLessThan(60);
    await store.close();
    clock = makeFakeClock(clock.now());
    store = await open(clock);
    for (let round = 0; round < 400 && (await rows("delivery.dead_lettered")).length === 0; round++) await pass(clock, dayMs / 300);
    const [letter] = await rows("delivery.dead_lettered");
    expect(letter?.data).toMatchObject({
      cause: "exhausted",
      error: { type: "DeferredTooLong", message: "put off for 24 h in all; the last time: NotReady: not yet" },
    });
    expect((await rows("delivery.deferred")).length).toBeLessThan(100);
    expect(calls.length).toBeLessThan(102);
  });

  it("may ask for a day, and is not called before", async () => {
    const { open, calls } = scene(() => 10 * dayMs);
    const clock = makeFakeClock();
    const store = await open(clock);
    await store.append([{ type: "thing.happened", entity: { type: "thing", id: "1" }, data: {} }]);
    await pass(clock, 100);
    await pass(clock, dayMs - 1000);
    expect(calls).toHaveLength(1);
    await pass(clock, 2000);
    expect(calls).toHaveLength(2);
  });
});

describe("a wait that the policy says", () => {
  it("of two days lasts two days, also over a restart and when the clock is set back", async () => {
    const { open, calls } = scene(() => undefined);
    let clock = makeFakeClock();
    let store = await open(clock);
    await store.append([{ type: "thing.happened", entity: { type: "thing", id: "1" }, data: {} }]);
    await pass(clock, 100);
    await pass(clock, 1.5 * dayMs);
    expect(calls).toHaveLength(1);
    await store.close();
    const at = clock.now();
    clock = makeFakeClock(at);
    store = await open(clock);
    await pass(clock, 0.4 * dayMs);
    expect(calls).toHaveLength(1);
    await store.close();
    clock = makeFakeClock(at - 30 * dayMs);
    store = await open(clock);
    await pass(clock, 1.9 * dayMs);
    expect(calls).toHaveLength(1);
    await pass(clock, 0.2 * dayMs);
    expect(calls).toHaveLength(2);
  });
});
