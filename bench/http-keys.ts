/**
 * What keys cost: `POST /events` to a server that asks for a key, beside one that does not. Both are servers of one store with log and views, in one process.
 * By the clock, the same service differs by a tenth from run to run on a quiet machine, which is twice what is asked here. So the thread's CPU time decides.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createKey } from "../src/access/edit-key-file.ts";
import { serviceFlags, startNode } from "./child.ts";
import { connections } from "./http.ts";
import { type Client, openClient } from "./http-client.ts";
import type { Benchmark, Run } from "./measure.ts";
import { sampleOrder } from "./samples.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The most that a key may be given: the bench is about the work of a request, and not about its limit. */
const limit = { per_second: 100_000, burst: 1_000_000 };
/** A tenth of a second. */
const requests = 600;

export const httpKeysBenchmark: Benchmark = {
  name: "http-append-1-keys",
  unit: "events/s",
  target: 0.95,
  // Two processes of the same service differ by a tenth as long as they live, and two runs of one by as much. Of many short runs of one process, each first as
  // often as the other, the median is good to a hundredth.
  turns: 151,
  async prepare(scale) {
    const count = Math.round(requests * scale);
    const bodies = Array.from({ length: 1000 }, (_, number) =>
      JSON.stringify({ type: "order.placed", entity: { type: "order", id: String(number) }, data: sampleOrder(number).data }),
    );
    const path = join(temporaryFolder(), "keys.json");
    const options = { path, nowMs: Date.now(), random: randomBytes };
    const { text } = createKey(options, { name: "bench", tenant: "default", role: "append", expiresAtMs: null, limit, sources: null });
    const program = new URL("./processes/keys-beside.ts", import.meta.url);
    const child = startNode(program, [temporaryFolder()], { env: { BENCH_KEYS: path }, flags: serviceFlags });
    const close = () => child.kill();
    const said = await child.said("listening").catch(async (error: unknown) => {
      await close();
      throw error;
    });
    const { urls, cpu } = JSON.parse(said) as { readonly urls: readonly [string, string]; readonly cpu: string };
    const post = (url: string, key?: string): Run => {
      let client: Client | null = null;
      let before = 0;
      return {
        async before() {
          client?.close();
          client = await openClient(url, "/events", bodies, connections, key);
          before = await secondsOf(cpu);
        },
        async go() {
          await client!.post(count);
          return count;
        },
        cpu: async () => (await secondsOf(cpu)) - before,
      };
    };
    return { subject: post(urls[0], text), floor: post(urls[1]), close };
  },
};

/** CPU time that the serving thread has taken so far. */
async function secondsOf(url: string): Promise<number> {
  return Number(await (await fetch(url)).text());
}
