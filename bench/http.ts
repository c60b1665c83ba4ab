import { type Child, startNode } from "./child.ts";
import { type Client, openClient } from "./http-client.ts";
import type { Benchmark, Run } from "./measure.ts";
import { sampleOrder } from "./samples.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const connections = 64;

/**
 * `POST /events` to the service of `reprise serve`, with log and views, from 64 connections that each have one request under way. The floor sends the
 * same bytes to a bare Fastify in a process of its own, which parses the JSON and answers an empty 201. Neither logs a line for each request.
 *
 * `-100` has 100 events of one entity in each request. No event has an id: each is a new one.
 */
export const httpBenchmarks: readonly Benchmark[] = [
  http("http-append-1", { requests: 20_000, batch: 1, body: (number) => order(number), target: 0.6 }),
  http("http-append-100", { requests: 1000, batch: 100, body: ordersOfOne, target: 30_000, bound: "value at least" }),
];

interface Load {
  readonly requests: number;
  /** Events of a request. */
  readonly batch: number;
  readonly body: (number: number) => unknown;
}

export function http(name: string, { requests, batch, body, ...wanted }: Load & Pick<Benchmark, "target" | "bound">): Benchmark {
  return {
    name,
    ...wanted,
    unit: "events/s",
    async prepare(scale) {
      const count = Math.round(requests * scale);
      const bodies = Array.from({ length: Math.min(1000, count) }, (_, number) => JSON.stringify(body(number)));
      const config = new URL("./processes/http.config.ts", import.meta.url);
      const service = startService(config, temporaryFolder());
      const bare = startNode(new URL("./processes/bare-fastify.ts", import.meta.url));
      const urls = await Promise.all([service, bare].map(urlOf)).catch(async (error: unknown) => {
        await close();
        throw error;
      });
      const load = { bodies, count, units: count * batch };
      return { subject: postTo(urls[0]!, load), floor: postTo(urls[1]!, load), close };

      async function close(): Promise<void> {
        await Promise.all([service.kill(), bare.kill()]);
      }
    },
  };
}

interface Posted {
  readonly bodies: readonly string[];
  /** Requests of a run, and what they count for. */
  readonly count: number;
  readonly units: number;
  readonly key?: string;
}

/** A run that posts events over connections that are opened before it. */
export function postTo(url: string, { bodies, count, units, key }: Posted): Run {
  let client: Client;
  return {
    async before() {
      client = await openClient(url, "/events", bodies, connections, key);
    },
    async go() {
      await client.post(count);
      client.close();
      return units;
    },
  };
}

/** Where a service answers. */
export async function urlOf(child: Child): Promise<string> {
  return (JSON.parse(await child.said('"listening"')) as { readonly url: string }).url;
}

function order(number: number) {
  return { type: "order.placed", entity: { type: "order", id: String(number) }, data: sampleOrder(number).data };
}

function ordersOfOne(number: number) {
  return { events: Array.from({ length: 100 }, () => order(number)) };
}
