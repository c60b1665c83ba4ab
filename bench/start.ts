import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openSqliteLog } from "../src/log/sqlite/open-sqlite-log.ts";
import { type Child, startNode } from "./child.ts";
import { fill } from "./fill.ts";
import type { Benchmark } from "./measure.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const config = new URL("./processes/start.config.ts", import.meta.url);

/**
 * From the start of a service's process to its handler's first call, after SIGKILL ended the one before: a million events, a thousand lanes blocked by a
 * dead letter, 64 calls under way and events behind them. Each run has a copy of what the killed one left.
 *
 * The floor is a Node process that opens the same log with node:sqlite, parses the journal's last snapshot and the first event beyond the checkpoint,
 * and says so.
 */
export const startBenchmark: Benchmark = {
  name: "start-after-kill",
  unit: "ms",
  target: 2000,
  bound: "value at most",
  figure: "own",
  runs: 5,
  warmUp: false,
  quickScale: 0.02,
  async prepare(scale) {
    const folder = temporaryFolder();
    const killed = join(folder, "killed");
    await leaveKilled(killed, Math.round(1_000_000 * scale), Math.max(100, Math.round(10_000 * scale)));
    const path = join(folder, "run");
    return {
      subject: {
        async before() {
          rmSync(path, { recursive: true, force: true });
          cpSync(killed, path, { recursive: true });
        },
        go: () => msUntil("first call", () => startService(config, path, { env: { BENCH_ACT: "stop at the first call" } })),
      },
      floor: {
        go: () => msUntil("first event", () => startNode(new URL("./processes/bare-start.ts", import.meta.url), [join(killed, "data/log.db")])),
      },
      async close() {
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/**
 * From the start of a service's process to `listening`, on no log at all. One start that ended by itself came before: it has kept what Node compiled. The floor is a Node process that makes a database of SQLite and listens.
 */
export const startEmptyBenchmark: Benchmark = {
  name: "start-empty",
  unit: "ms",
  target: 600,
  bound: "value at most",
  figure: "own",
  runs: 9,
  quickScale: 1,
  async prepare() {
    const folder = temporaryFolder();
    const path = join(folder, "run");
    const start = () => startService(new URL("./processes/http.config.ts", import.meta.url), path);
    const first = start();
    await first.said('"listening"');
    await first.kill("SIGTERM");
    return {
      subject: {
        async before() {
          rmSync(path, { recursive: true, force: true });
        },
        go: () => msUntil('"listening"', start),
      },
      floor: {
        async before() {
          rmSync(path, { recursive: true, force: true });
          mkdirSync(path);
        },
        go: () => msUntil("listening", () => startNode(new URL("./processes/bare-listen.ts", import.meta.url), [join(path, "log.db")])),
      },
      async close() {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

async function msUntil(text: string, start: () => Child): Promise<number> {
  const startedMs = performance.now();
  const child = start();
  try {
    await child.said(text);
    return performance.now() - startedMs;
  } finally {
    await child.kill();
  }
}

/** A tenth of the lanes fail at their first event. The service is killed once the rest is delivered and shown by the views, with new calls under way. */
async function leaveKilled(folder: string, events: number, lanes: number): Promise<void> {
  const log = await openSqliteLog(join(folder, "data"));
  await fill(log, events, lanes);
  await log.close();
  const service = startService(config, folder, { env: { BENCH_ACT: "work", BENCH_EVENTS: String(events), BENCH_LANES: String(lanes) } });
  try {
    const { url } = JSON.parse(await service.said('"listening"')) as { readonly url: string };
    await service.said("all delivered");
    // Its position lies beyond all that was recorded: the answer comes when the views have it.
    const body = { events: Array.from({ length: 1000 }, (_, index) => lateOrder(lanes - 1 - (index % (lanes / 2)))) };
    const appended = await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (appended.status !== 201) throw new Error(`The service answered ${appended.status}.`);
    const { events: late } = (await appended.json()) as { readonly events: readonly { readonly position: string }[] };
    while ((await fetch(`${url}/handlers?after=${late.at(-1)!.position}`)).status !== 200);
    await service.said("64 calls under way");
  } finally {
    await service.kill();
  }
}

function lateOrder(lane: number) {
  return { type: "order.placed", entity: { type: "order", id: String(lane) }, source: "late", data: { orderId: "late", customer: "", total: 0, lines: [] } };
}
