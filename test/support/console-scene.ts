/** A service for the console to look at: a ledger that an outage has stopped, with orders that wait behind their dead letters. */
import { expect, onTestFinished } from "vitest";
import { z } from "zod";
import { type Keys, openKeys } from "../../src/access/keys.ts";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import type { HandlerContext } from "../../src/delivery/handler-context.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeServer } from "../../src/http/server.ts";
import type { EventInput } from "../../src/store/append/event-input.ts";
import type { Store } from "../../src/store/store.ts";
import { silent } from "./http.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { startStore } from "./test-store.ts";

/** What the customer wrote, as a value and as a name. */
const words = { note: z.string().optional(), said: z.record(z.string(), z.string()).optional() };
const placed = defineEvent("order.placed", {
  1: z.object({ total: z.number(), ...words }),
  2: z.object({ totalCents: z.int(), ...words }),
});
const shipped = defineEvent("order.shipped", { 1: z.object({ parcel: z.string() }) });
const upcasters = [defineUpcasters(placed, { 1: ({ total, ...rest }) => ({ ...rest, totalCents: Math.round(total * 100) }) })];

export interface Scene {
  readonly store: Store;
  readonly url: string;
  /** The ledger works again. */
  mend(): void;
  /** Ends the service's connections and its listening; the next one listens on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Appends an order, and what follows it. While the ledger is down it refuses the order, with the note as its words. */
  order(id: string, note?: string): Promise<void>;
  /** Somebody else acts meanwhile. */
  act(path: string, body: object): Promise<void>;
  /** So many orders at once, each with what follows it. */
  orders(count: number): Promise<void>;
}

const idsOf = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, index) => `o-${from + index + 1}`);

const eventsOf = (id: string, note: string): readonly EventInput[] => {
  const entity = { type: "order", id };
  return [
    { type: "order.placed", schemaVersion: 1, entity, data: { total: 12.5, note, ...(note === "" ? {} : { said: { [note.slice(0, 1000)]: "said" } }) } },
    { type: "order.shipped", entity, data: { parcel: `parcel of ${id}` } },
  ];
};

export interface SceneOptions {
  readonly orders?: number;
  readonly keyFile?: string;
  /** A log server's connection string; default: the embedded log. */
  readonly log?: string;
  /** What is done to the folder of the closed store before it is opened again. The orders are there then, with their dead letters. */
  readonly prepare?: (folder: string) => void;
}

export async function openScene({ orders = 5, keyFile, log, prepare }: SceneOptions = {}): Promise<Scene> {
  let down = true;
  const give = ({ data }: { readonly data: { readonly note?: string | undefined } }, { log }: Pick<HandlerContext, "log">): void => {
    if (!down) return;
    log(`the ledger is asked: ${data.note}`);
    throw Object.assign(new Error(data.note || "connect ECONNREFUSED: the ledger does not answer"), { name: data.note?.slice(0, 200) || "Error" });
  };
  const ledger = defineHandler({
    ...{ name: "ledger", events: [placed, shipped], retry: { maxAttempts: 1 }, startFrom: "beginning" },
    on: { "order.placed": give, "order.shipped": () => {} },
  });
  const refunds = defineHandler({
    ...{ name: "refunds", events: [placed], startFrom: "beginning" },
    escalate: ({ data }) => data.note === "ask first" && "somebody has to look at this one first",
    on: { "order.placed": () => {} },
  });
  const mail = defineHandler({ name: "mail", events: [placed], startFrom: "beginning", on: { "order.placed": () => {} } });
  const config = defineConfig({ events: [placed, shipped], upcasters, handlers: [ledger, mail, refunds] });
  const folder = temporaryFolder();
  if (prepare !== undefined) {
    const first = await startStore(config, folder);
    await first.append(idsOf(orders).flatMap((id) => eventsOf(id, "")));
    await waitForLetters({ store: first }, orders);
    await first.close();
    prepare(folder);
  }
  const store = await startStore(config, log === undefined ? folder : { log, data: folder });
  const order = async (id: string, note = ""): Promise<void> => {
    await store.append(eventsOf(id, note));
  };
  let made = 0;
  const appendOrders = async (count: number): Promise<void> => {
    const ids = idsOf(count, made);
    made += count;
    for (let from = 0; from < ids.length; from += 100) {
      const batch = ids.slice(from, from + 100).flatMap((id) => eventsOf(id, ""));
      await store.append(batch);
    }
  };
  if (prepare === undefined) await appendOrders(orders);

  let port = 0;
  let close = async (): Promise<void> => {};
  const start = async (): Promise<void> => {
    const keys: Keys | null = keyFile === undefined ? null : openKeys({ path: keyFile, clock: systemClock });
    const app = makeServer({ store, logger: silent, clock: systemClock, keys });
    await app.listen({ host: "127.0.0.1", port });
    port = (app.server.address() as { port: number }).port;
    close = async () => {
      app.server.closeAllConnections();
      await app.close();
      keys?.close();
    };
  };
  await start();
  onTestFinished(() => close());
  const url = `http://127.0.0.1:${port}`;
  const act = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${url}/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    expect([path, answer.ok]).toEqual([path, true]);
  };
  return { store, url, act, mend: () => (down = false), stop: () => close(), start, order, orders: appendOrders };
}

export interface SeenLetter {
  readonly id: string;
  readonly deliveryId: string;
  readonly handler: string;
}

/** Waits for so many dead letters. */
export async function waitForLetters({ store }: Pick<Scene, "store">, count: number): Promise<readonly SeenLetter[]> {
  await expect.poll(async () => (await store.views.deadLetterStats({ tenant: "default" })).total, { timeout: 25_000 }).toBe(count);
  return (await store.views.deadLetters({ tenant: "default" }, { limit: 200 })).events;
}
