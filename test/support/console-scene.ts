/** A service for the console to look at: a ledger that an outage has stopped, with orders that wait behind their dead letters. */
import { onTestFinished } from "vitest";
import { z } from "zod";
import { type Keys, openKeys } from "../../src/access/keys.ts";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeServer } from "../../src/http/server.ts";
import type { Store } from "../../src/store/store.ts";
import { silent } from "./http.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { startStore } from "./test-store.ts";

const placed = defineEvent("order.placed", {
  1: z.object({ total: z.number(), note: z.string().optional() }),
  2: z.object({ totalCents: z.int(), note: z.string().optional() }),
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
}

export async function openScene({ orders = 5, keyFile }: { readonly orders?: number; readonly keyFile?: string } = {}): Promise<Scene> {
  let down = true;
  const give = ({ data }: { readonly data: { readonly note?: string | undefined } }): void => {
    if (down) throw new Error(data.note || "connect ECONNREFUSED: the ledger does not answer");
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
  const store = await startStore(defineConfig({ events: [placed, shipped], upcasters, handlers: [ledger, mail, refunds] }), temporaryFolder());
  const order = async (id: string, note = ""): Promise<void> => {
    const entity = { type: "order", id };
    await store.append({ type: "order.placed", schemaVersion: 1, entity, data: { total: 12.5, note } });
    await store.append({ type: "order.shipped", entity, data: { parcel: `parcel of ${id}` } });
  };
  for (let count = 1; count <= orders; count++) await order(`o-${count}`);

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
  return { store, url: `http://127.0.0.1:${port}`, mend: () => (down = false), stop: () => close(), start, order };
}
