/** Two instances are asked the same, after the same events: one that works on everything, and one that has just started and works on nothing. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, Escalate, openStore, type Store, Terminal } from "../../src/index.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

type Does = "well" | "fail" | "wait" | "ask" | "take long";
const happened = defineEvent("thing.happened", { 1: z.object({ does: z.enum(["well", "fail", "wait", "ask", "take long"]) }) });

/** The end of what takes long. */
const longCall = Promise.withResolvers<void>();

interface Instance {
  readonly store: Store;
  get(path: string): Promise<unknown>;
}

async function open(log: string, instance: string): Promise<Instance> {
  const handlers = (
    [
      ["desk", 4],
      ["mail", 1],
    ] as const
  ).map(([name, partitions]) =>
    defineHandler({
      ...{ name, partitions, startFrom: "beginning", timeoutMs: 60_000, events: [happened] },
      retry: { maxAttempts: 5, initialDelayMs: 60_000, jitter: "none" },
      on: {
        "thing.happened": async ({ data: { does } }) => {
          if (does === "fail") throw new Terminal("broken");
          if (does === "wait") throw new Error("not yet");
          if (does === "ask") throw new Escalate("look at it");
          if (does === "take long") await longCall.promise;
        },
      },
    }),
  );
  const store = await openStore(defineConfig({ events: [happened], handlers }), { log, data: temporaryFolder(), instance, instances: "many" });
  onTestFinished(() => store.close());
  await store.start();
  const server = createServer(store.http().listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    store,
    async get(path) {
      const answer = await fetch(url + path);
      const text = await answer.text();
      return {
        status: answer.status,
        body: path.startsWith("/metrics") ? gaugesIn(text) : JSON.parse(text, (key, value) => (key === "lag_seconds" ? undefined : value)),
      };
    },
  };
}

/** What each instance says of the whole; its counters and times are of itself. */
const gaugesIn = (text: string) =>
  text.split("\n").filter((line) => /^reprise_(lanes|handler_state|dead_letters|waiting_events|escalations|breaker_state|replay_items)/.test(line));

const event = (id: string, does: Does) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id }, data: { does } });
const append = async ({ store }: Instance, ids: readonly string[], does: Does) => (await store.append(ids.map((id) => event(id, does)))).at(-1)!;

const lists = [
  "/handlers",
  "/entities",
  ...["flowing", "behind", "backing_off", "blocked", "paused"].map((state) => `/entities?lane_state=${state}`),
  "/entities/thing/waits",
  "/events",
  ...["pending", "failed", "held", "completed", "dead_lettered", "escalated"].map((status) => `/events?status=${status}&handler=mail`),
  ...["/admin/dlq", "/admin/dlq/stats", "/admin/errors", "/admin/escalations", "/integrations", "/replays", "/schemas", "/readyz", "/metrics"],
];

async function sameAnswers(one: Instance, two: Instance, log: EventLog): Promise<void> {
  const after = await log.head();
  for (const path of lists) {
    const at = `${path}${path.includes("?") ? "&" : "?"}after=${after}`;
    expect(await two.get(at), path).toEqual(await one.get(at));
  }
}

describe("two instances", { timeout: 60_000 }, () => {
  it("give the same answers, before one of them works on anything, after acts at either, and while a call runs but for that call", async () => {
    const { url } = await startLogServer();
    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    const one = await open(url, "one");
    await until("all partitions", () => one.store.cluster().partitions.filter(({ state }) => state === "owned").length === 5);
    await append(one, ["well", "fails", "waits", "asks", "still", "long"], "well");
    await append(one, ["fails", "discarded"], "fail");
    await append(one, ["waits"], "wait");
    await append(one, ["asks"], "ask");
    await one.store.pauseEntity({ type: "thing", id: "still" }, { reason: "look" });
    await append(one, ["fails", "still"], "well");
    await until("what comes of them", async () => {
      const handlers = await one.store.views.handlers();
      return handlers.every(({ byStatus }) => byStatus.failed === 1 && byStatus.dead_lettered === 2 && byStatus.escalated === 1 && byStatus.held === 2);
    });

    const two = await open(url, "two");
    expect(two.store.cluster().partitions.some(({ owner }) => owner?.startsWith("two."))).toBe(false);
    await sameAnswers(one, two, log);
    const [desk] = await two.store.views.handlers();
    expect(desk).toMatchObject({ state: "running", why: null, lanes: { flowing: 2, backing_off: 1, blocked: 3, paused: 1, behind: 0 } });

    const [letter] = (await two.store.views.deadLetters({ tenant: "default", handler: "mail", entityId: "discarded" }, { limit: 1, data: false })).events;
    await two.store.discard(letter!.deliveryId, { reason: "not needed" });
    await two.store.resumeEntity({ type: "thing", id: "still" }, { reason: "looked" });
    const waiting = ({ store }: Instance) => store.views.handlers().then((handlers) => handlers.map((handler) => handler.waiting));
    await until("what comes of the acts", async () => `${await waiting(one)}` === "5,4");
    await one.store.pauseHandler("mail", { reason: "wait" });
    await append(two, ["well"], "well");
    await until("what comes of it", async () => `${await waiting(one)}` === "5,5");
    await sameAnswers(one, two, log);

    await append(one, ["long"], "take long");
    const byStatus = async ({ store }: Instance) => (await store.views.handlers())[0]!.byStatus;
    await until("the call", async () => (await byStatus(one)).processing + (await byStatus(two)).processing === 1);
    await until("both to know of the event", async () => `${await waiting(one)}` === "6,6" && `${await waiting(two)}` === "6,6");
    for (const { processing, pending } of [await byStatus(one), await byStatus(two)]) expect(processing + pending).toBe(1);
    longCall.resolve();
  });
});
