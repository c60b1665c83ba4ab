import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { type CheckedHandler, checkAppends, checkHistory } from "../support/crash-checker.ts";
import { readEntityEvents } from "../support/crash-journal.ts";
import { Lives } from "../support/crash-lives.ts";
import { Load } from "../support/crash-load.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { makeSite, post, until, untilQuiet } from "../support/crash-service.ts";
import { makeRandom } from "../support/partition-model.ts";

const types = ["thing.happened"];
const handlers: readonly CheckedHandler[] = [
  { name: "relaxed", ordering: "relaxed", record: "each", types, maxAttempts: 3 },
  { name: "strict", ordering: "strict", record: "batch", types, maxAttempts: 3 },
];
const names = handlers.map(({ name }) => name);

const config = (receiver: string): string =>
  `
import { defineConfig, defineEvent, defineHandler, webhookHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({ n: z.number() }) });
const noted = defineEvent("thing.noted", { 1: z.object({ n: z.number() }) });
const hook = (options) => webhookHandler({
  ...options, url: "${receiver}/" + options.name, headers: { "x-life": process.env.CRASH_LIFE }, events: ["thing.happened"], timeoutMs: 60000,
});
const deaf = defineHandler({ name: "deaf", events: [noted], timeoutMs: 60000, on: { "thing.noted": () => new Promise(() => {}) } });
export default defineConfig({
  events: [happened, noted],
  handlers: [hook({ name: "strict" }), hook({ name: "relaxed", ordering: "relaxed", record: "each" }), deaf],
  limits: { slowMs: 50 },
});
`;

/** docs/operating.md: a service that is told to stop ends within 10 s. */
const stopsWithinMs = 10_000;

describe("SIGTERM", () => {
  it("under load ends cleanly: nothing acknowledged is lost, and nothing is called twice", { timeout: 120_000 }, async () => {
    const latency = makeRandom(1);
    let arrived = 0;
    let onArrived = () => {};
    const receiver = await startReceiver(
      async () => {
        await wait(latency() < 0.1 ? 200 : 20 * latency());
        return 204;
      },
      (kind) => {
        if (kind === "arrived" && ++arrived === 150) onArrived();
      },
    );
    const lives = new Lives(makeSite(config(receiver.url)), names);
    const load = new Load({ random: makeRandom(2), entities: 20, types, producers: 6 });
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    onArrived = resolve;

    lives.start();
    load.sendTo(await lives.url());
    load.allow(1000);
    await enough;
    const { code, tookMs } = await lives.stop();
    load.allow(50);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(stopsWithinMs);
    const running = receiver.calls().filter(({ answered }) => answered === null);
    expect(running).toEqual([]); // what ran was waited for
    expect((await readEntityEvents(lives.site)).length).toBeGreaterThan(0); // the lock is free
    const [first] = await lives.ended();
    expect([...first!.recorded.values()].map(({ clean }) => clean)).toEqual([true, true]);
    const before = receiver.calls().length;

    lives.start();
    const url = await lives.url();
    load.sendTo(url);
    await load.end();
    expect(load.broken).toEqual([]);
    await untilQuiet(url, load.position);
    expect((await lives.stop()).code).toBe(0);
    const events = await readEntityEvents(lives.site);
    expect(checkAppends(events, load.acknowledged)).toEqual([]);
    expect(checkHistory({ events, handlers, history: receiver.history, lives: await lives.ended(), recordedWithinMs: 0 })).toMatchObject({
      broken: [],
      repeats: 0,
    });
    expect(receiver.calls().length).toBe(names.length * events.length);
    console.log(
      `stop: ${Math.round(tookMs)} ms under load, ${events.length} events, ${before} calls before and ${receiver.calls().length - before} after, none twice`,
    );
  });

  it("does not wait for ever for handlers that hang; those calls, and no others, come again", { timeout: 120_000 }, async () => {
    const event = (type: string, entity: string) => ({ id: v7(), type, entity: { type: "thing", id: entity }, data: { n: 1 } });
    const hanging = event("thing.happened", "a");
    const good = [event("thing.happened", "b"), event("thing.happened", "c")];
    let hangs = true;
    const receiver = await startReceiver(({ id }) => (hangs && id === hanging.id ? new Promise<number>(() => {}) : 204));
    const lives = new Lives(makeSite(config(receiver.url)), names);
    lives.start();
    const appended = await post<AppendReply>(await lives.url(), "/events", { events: [hanging, event("thing.noted", "d"), ...good] });
    expect(appended.status).toBe(201);
    await until("all calls", () => receiver.calls().length === names.length * 3);

    const { code, tookMs } = await lives.stop();
    console.log(`stop: ${Math.round(tookMs)} ms with calls that hang`);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(stopsWithinMs);

    hangs = false;
    lives.start();
    await until("the calls that hung", () => receiver.calls().length === names.length * 4);
    const again = receiver.calls().filter(({ life }) => life === 1);
    expect(again.map(({ handler, id }) => ({ handler, id })).sort((a, b) => a.handler.localeCompare(b.handler))).toEqual(
      names.map((handler) => ({ handler, id: hanging.id })),
    );
    await lives.kill();
  });
});
