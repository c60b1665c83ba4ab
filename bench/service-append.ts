import { setTimeout as wait } from "node:timers/promises";
import { openEventStoreDbLog } from "../src/log/eventstoredb/open-eventstoredb-log.ts";
import { type Client, openClient } from "./http-client.ts";
import { freshNames, standInNote, startServer } from "./log-server.ts";
import type { Benchmark } from "./measure.ts";
import { sampleOrder } from "./samples.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const connections = 64;
/** Number of entities, and so of streams, both of the events that are there before and of those that are appended. */
const entities = 1000;
const eventsAtOnce = 500;

/**
 * `POST /events` to the service of `reprise serve` with its log on EventStoreDB and a million events in its views, from 64 connections that each have one
 * request under way: HTTP, checks, the append, its fold into the views, and where the ids are looked up. The floor appends the same events,
 * as many at a time, to the log's adapter alone: no HTTP, no checks, no views.
 */
export const serviceAppendBenchmark: Benchmark = {
  name: "eventstoredb-service-append",
  target: 0.8,
  unit: `events/s${standInNote}`,
  turns: 11,
  async prepare(scale) {
    const server = await startServer();
    const namespace = freshNames();
    await fill(server.url, namespace, Math.round(1_000_000 * scale));
    const count = Math.max(connections, Math.round(20_000 * scale));
    const orders = Array.from({ length: entities }, (_, number) => sampleOrder(number).data);
    const bodies = orders.map((data, number) => JSON.stringify({ type: "order.placed", entity: { type: "order", id: String(number) }, data }));
    const config = new URL("./processes/http.config.ts", import.meta.url);
    const service = startService(config, temporaryFolder(), { shared: { url: server.url, namespace } });
    const log = await openEventStoreDbLog(server.url, { namespace: freshNames() });
    const close = async () => {
      await service.kill();
      await log.close();
      server.close();
    };
    try {
      const { url } = JSON.parse(await service.said('"listening"')) as { readonly url: string };
      await untilFolded(url, Math.round(1_000_000 * scale));
      let client: Client;
      let next = 0;
      return {
        subject: {
          async before() {
            client = await openClient(url, "/events", bodies, connections);
          },
          async go() {
            await client.post(count);
            client.close();
            return count;
          },
        },
        floor: {
          async go() {
            const end = next + count;
            const write = async () => {
              while (next < end) {
                const number = next++;
                await log.append(`default.order-${number % entities}`, [sampleOrder(number)], "any");
              }
            };
            await Promise.all(Array.from({ length: connections }, write));
            return count;
          },
        },
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

async function fill(url: string, namespace: string, count: number): Promise<void> {
  const log = await openEventStoreDbLog(url, { namespace });
  for (let number = 0; number < count; number += eventsAtOnce)
    await log.append(
      `default.order-${(number / eventsAtOnce) % entities}`,
      Array.from({ length: Math.min(eventsAtOnce, count - number) }, (_, index) => sampleOrder(number + index)),
      "any",
    );
  await log.close();
}

/** Ready, and the views have all that was there. */
async function untilFolded(url: string, count: number): Promise<void> {
  for (;;) {
    const ready = (await fetch(`${url}/readyz`)).status === 200;
    const page = await fetch(`${url}/entities/order/${(Math.ceil(count / eventsAtOnce) - 1) % entities}/events?limit=1&direction=backward`);
    const [last] = page.status === 200 ? ((await page.json()) as { readonly events: readonly { readonly position: string }[] }).events : [];
    if (ready && last !== undefined && (await fetch(`${url}/events?limit=1&after=${last.position}`)).status === 200) return;
    await wait(200);
  }
}
