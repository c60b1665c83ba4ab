/** A service whose stream of events is read, with a handler that fails as the event says, and an event type that was split. */
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { openKeys } from "../../src/access/keys.ts";
import { defineEvent, defineUpcasters, part, split } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler, skip, Terminal } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeServer } from "../../src/http/server.ts";
import type { Store } from "../../src/store/store.ts";
import { silent } from "./http.ts";
import type { StreamMessage } from "./stream-reader.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { type StoredPlace, startStore } from "./test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.int() }), 2: z.object({ n: z.int(), note: z.string() }) });
const placedUp = defineUpcasters(placed, { 1: (old) => ({ ...old, note: "lifted" }) });
const first = defineEvent("pair.first", { 1: z.object({ n: z.int() }) });
const second = defineEvent("pair.second", { 1: z.object({ n: z.int() }) });
const pair = defineEvent("pair.made", { 1: z.object({ n: z.int() }), 2: z.object({ n: z.int() }) });
const pairUp = defineUpcasters(pair, { 1: (old) => split(part(first, { n: old.n }), part(second, { n: old.n + 1 })) }, { into: [first, second] });

const strict = defineHandler({
  ...{ name: "strict", events: [placed], startFrom: "beginning", retry: { maxAttempts: 2, initialDelayMs: 10, jitter: "none" } },
  on: {
    "order.placed": (event, { attempt }) => {
      if (event.data.n === -1) throw new Terminal("never");
      if (event.data.n === -2 && attempt === 1) throw new Error("not yet");
      return event.data.n === -3 ? skip("not ours") : undefined;
    },
  },
});
const config = defineConfig({ events: [placed, first, second, pair], upcasters: [placedUp, pairUp], handlers: [strict] });

/** A service that listens, over a store of its own. @returns the address of the stream. */
export async function serveStream({
  keysPath = null,
  place = temporaryFolder(),
}: {
  readonly keysPath?: string | null;
  readonly place?: StoredPlace;
} = {}): Promise<{
  store: Store;
  url: string;
  close: () => Promise<void>;
}> {
  const store = await startStore(config, place);
  const keys = keysPath === null ? null : openKeys({ path: keysPath, clock: systemClock });
  const app = makeServer({ store, logger: silent, clock: systemClock, keys });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const close = async () => {
    await app.close();
    keys?.close();
  };
  onTestFinished(close);
  return { store, close, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/events/stream` };
}

export const order = (id: string, n: number, tenant = "default") => ({
  tenant,
  event: { type: "order.placed", entity: { type: "order", id }, data: { n, note: "" } },
});
export const append = async (store: Store, ...each: readonly ReturnType<typeof order>[]) => {
  for (const { tenant, event } of each) await store.append(event, { tenant });
};
export const seen = (messages: readonly StreamMessage[]) =>
  messages.map(({ event, data }) => (event === "event" ? `${data.subject} ${data.revision}` : `${data.entity.id} ${data.revision} ${data.status}`));
