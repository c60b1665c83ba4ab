/**
 * What metrics cost: the same work of the same store, with metrics and without, in turn. Figures are events a second of CPU time of the serving thread, on
 * which all counting is done, and each is the best of a few runs: what else a machine does takes CPU time from both sides by its caches, never gives any, and
 * would otherwise say more of itself than of some hundred nanoseconds.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { defineEvent } from "../src/catalog/define.ts";
import { openStore } from "../src/compose.ts";
import { defineConfig } from "../src/config/config.ts";
import { defineHandler } from "../src/delivery/handler.ts";
import { startNode } from "./child.ts";
import { connections, urlOf } from "./http.ts";
import { openClient } from "./http-client.ts";
import type { Benchmark, Run } from "./measure.ts";
import { orderV1, sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const unit = "events/s of CPU";
/** Many short runs, and each side is first as often as the other. */
const turns = 31;
const target = 0.97;

const orderPlaced = defineEvent("order.placed", { 1: orderV1 });
const bestOf = 5;
const delivered = 1500;
const lanes = 300;
const requests = 800;

export const metricsBenchmarks: readonly Benchmark[] = [
  {
    name: "deliver-metrics",
    ...{ unit, turns, target, figure: "own" },
    async prepare(scale) {
      const folder = temporaryFolder();
      let runs = 0;
      const count = Math.round(delivered * scale);
      const deliver = (metrics: boolean): Run => ({
        async go() {
          let handled = 0;
          const all = Promise.withResolvers<void>();
          const send = async () => void (++handled === count && all.resolve());
          const handler = defineHandler({ name: "mailer", events: [orderPlaced], concurrency: 64, startFrom: "beginning", on: { "order.placed": send } });
          const store = await openStore(defineConfig({ events: [orderPlaced], handlers: [handler] }), {
            log: `sqlite:${join(folder, String(++runs))}`,
            metrics,
          });
          for (let from = 0; from < count; from += lanes) await store.append(Array.from({ length: Math.min(lanes, count - from) }, (_, lane) => orderOf(lane)));
          const before = process.threadCpuUsage();
          await store.start();
          await all.promise;
          const { user, system } = process.threadCpuUsage(before);
          await store.close();
          return count / ((user + system) / 1e6);
        },
      });
      return { subject: best(deliver(true)), floor: best(deliver(false)), close: async () => rmSync(folder, { recursive: true }) };
    },
  },
  {
    name: "http-append-1-metrics",
    ...{ unit, turns, target, figure: "own" },
    async prepare(scale) {
      const count = Math.round(requests * scale);
      const bodies = Array.from({ length: 1000 }, (_, number) => JSON.stringify(orderOf(number)));
      const program = new URL("./processes/metrics.ts", import.meta.url);
      const services = ["on", "off"].map((metrics) => startNode(program, [temporaryFolder(), metrics]));
      const close = async (): Promise<void> => void (await Promise.all(services.map((service) => service.kill())));
      const [on, off] = await Promise.all(services.map(urlOf)).catch(async (error: unknown) => {
        await close();
        throw error;
      });
      const append = (url: string): Run => ({
        async go() {
          const client = await openClient(url, "/events", bodies, connections);
          const before = await cpuOf(url);
          await client.post(count);
          const seconds = (await cpuOf(url)) - before;
          client.close();
          return count / seconds;
        },
      });
      return { subject: best(append(on!)), floor: best(append(off!)), close };
    },
  },
];

function best({ go }: Run): Run {
  return {
    async go() {
      let most = 0;
      for (let run = 0; run < bestOf; run++) most = Math.max(most, await go());
      return most;
    },
  };
}

function orderOf(lane: number) {
  return { type: "order.placed", entity: { type: "order", id: String(lane) }, data: sampleOrder(lane).data };
}

/** Seconds of CPU that the service's thread has taken so far. */
async function cpuOf(url: string): Promise<number> {
  return ((await (await fetch(`${url}/bench/cpu`)).json()) as { readonly seconds: number }).seconds;
}
