/** What keys cost: `POST /events` to a service that asks for a key, beside the same service without keys. Both are the service of `reprise serve`, with log and views. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createKey } from "../src/access/edit-key-file.ts";
import { postTo, urlOf } from "./http.ts";
import type { Benchmark } from "./measure.ts";
import { sampleOrder } from "./samples.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The most that a key may be given: the bench is about the work of a request, and not about its limit. */
const limit = { per_second: 100_000, burst: 1_000_000 };
const requests = 3000;

export const httpKeysBenchmark: Benchmark = {
  name: "http-append-1-keys",
  unit: "events/s",
  target: 0.95,
  // Two services share the disk and the machine: many short runs, and each is first as often as the other.
  turns: 31,
  async prepare(scale) {
    const count = Math.round(requests * scale);
    const bodies = Array.from({ length: 1000 }, (_, number) =>
      JSON.stringify({ type: "order.placed", entity: { type: "order", id: String(number) }, data: sampleOrder(number).data }),
    );
    const path = join(temporaryFolder(), "keys.json");
    const options = { path, nowMs: Date.now(), random: randomBytes };
    const { text } = createKey(options, { name: "bench", tenant: "default", role: "append", expiresAtMs: null, limit, sources: null });
    const config = new URL("./processes/http.config.ts", import.meta.url);
    const services = [startService(config, temporaryFolder(), { env: { REPRISE_API_KEYS: path } }), startService(config, temporaryFolder())] as const;
    const close = async (): Promise<void> => void (await Promise.all(services.map((service) => service.kill())));
    const [withKeys, without] = await Promise.all(services.map(urlOf)).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    const load = { bodies, count, units: count };
    return { subject: postTo(withKeys!, { ...load, key: text }), floor: postTo(without!, load), close };
  },
};
