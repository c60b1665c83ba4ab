import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createKey } from "../src/access/edit-key-file.ts";
import { type Child, startNode } from "./child.ts";
import { append, type Flood, requestsOf } from "./floods.ts";
import { type Client, openAsker } from "./http-client.ts";
import type { Benchmark, Run } from "./measure.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const appends: Flood = { kind: "appends", connections: 64 };
const batches: Flood = { kind: "batches", connections: 64 };
const reads: Flood = { kind: "reads", connections: 32 };

/**
 * The 99th percentile of one tenant's appends, one after another on one connection, while another tenant floods the service from a process of its own. The
 * floor: the same appends with nobody beside them. The tenants' keys have no limit that counts.
 */
export const tenantsFloodBenchmarks: readonly Benchmark[] = [
  flood("tenants-flood-appends", [appends]),
  flood("tenants-flood-batches", [batches]),
  flood("tenants-flood-reads", [reads]),
  flood("tenants-flood", [appends, { ...batches, connections: 16 }, { ...reads, connections: 16 }]),
];

/** Events of the flooding tenant that are there before, for its reads. */
const eventsBefore = 50_000;
const ownAppends = 2000;
const settledMs = 1000;

function flood(name: string, floods: readonly Flood[]): Benchmark {
  return {
    name,
    unit: "ms",
    target: 2,
    bound: "ratio at most",
    figure: "own",
    quickScale: 0.2,
    async prepare(scale) {
      const folder = temporaryFolder();
      const keys = join(folder, "keys.json");
      const [flooder, other] = ["flooder", "other"].map((tenant) => key(keys, tenant));
      const config = new URL("./processes/http.config.ts", import.meta.url);
      const service = startService(config, folder, { env: { REPRISE_API_KEYS: keys } });
      try {
        const { url } = JSON.parse(await service.said('"listening"')) as { readonly url: string };
        const filler = await openAsker(url, requestsOf.batches(), 8, flooder);
        await filler.post(Math.ceil((eventsBefore * scale) / 100));
        filler.close();
        await wait(settledMs); // the views fold it
        const count = Math.round(ownAppends * scale);
        const alone = { before: () => ended(url, flooder!), go: () => percentile99(url, other!, count) };
        return { subject: beside(url, floods, flooder!, other!, count), floor: alone, close: () => service.kill() };
      } catch (error) {
        await service.kill();
        throw error;
      }
    },
  };
}

function beside(url: string, floods: readonly Flood[], flooder: string, other: string, count: number): Run {
  let child: Child;
  return {
    async before() {
      child = startNode(new URL("./processes/flood.ts", import.meta.url), [], { env: { FLOOD: JSON.stringify({ url, key: flooder, floods }) } });
      await child.said("flooding");
    },
    async go() {
      const ms = await percentile99(url, other, count);
      await child.kill();
      return ms;
    },
  };
}

/**
 * Resolves when nothing of a flood is left: when its process is gone, its requests still wait in the service, and would be measured as part of being alone.
 * Those of one tenant are done in their order, bodies and reads apart, so that its last ones come after all others; the views then have all of its events.
 */
async function ended(url: string, flooder: string): Promise<void> {
  for (const asked of [append(0), { path: "/entities?limit=1" }, append(0)]) {
    const last = await openAsker(url, [asked], 1, flooder);
    await last.post(1);
    last.close();
  }
  await wait(2 * settledMs); // twice: what it has stored is folded, and nobody else is known to have asked lately
}

async function percentile99(url: string, key: string, count: number): Promise<number> {
  const client: Client = await openAsker(
    url,
    Array.from({ length: 100 }, (_, number) => append(number)),
    1,
    key,
  );
  const times: number[] = [];
  for (let number = 0; number < count; number++) {
    const beganMs = performance.now();
    await client.post(1);
    times.push(performance.now() - beganMs);
  }
  client.close();
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}

function key(path: string, tenant: string): string {
  const options = { path, nowMs: Date.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
  return createKey(options, {
    ...{ name: tenant, tenant, role: "admin", expiresAtMs: null, sources: null },
    limit: { per_second: 100_000, burst: 1_000_000 },
  }).text;
}
