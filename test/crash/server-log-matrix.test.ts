/** A log server of one or three nodes, of which the leader or all are killed, frozen or cut off: the service is back by itself, and says how it stands. */
import { setTimeout as elapse } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { newId } from "../../src/event/ids.ts";
import { type LogCluster, startLogCluster } from "../support/log-cluster.ts";
import { size, someOf } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ n: z.int() }) });
/** Long enough for calls to lose their patience, discoveries to give up and waits to grow. */
const awayMs = size(6000, 12_000, "REPRISE_AWAY_MS");
/** Of a real cluster until the others have elected a new leader. */
const electionMs = 2500;
const promisedMs = 10_000;

const ways = { "one host": 1, "three hosts": 3, discovery: 3 } as const;
type Way = keyof typeof ways;
type Trouble = (cluster: LogCluster, nodes: readonly number[]) => Promise<() => Promise<void>>;
/** What is done to nodes, and what ends it. */
const troubles: Readonly<Record<string, Trouble>> = {
  killed: async (cluster, nodes) => {
    await Promise.all(nodes.map((node) => cluster.kill(node)));
    return async () => void (await Promise.all(nodes.map((node) => cluster.start(node))));
  },
  frozen: async (cluster, nodes) => {
    for (const node of nodes) cluster.freeze(node);
    return async () => nodes.forEach((node) => void cluster.thaw(node));
  },
  "cut off": async (cluster, nodes) => {
    for (const node of nodes) cluster.cut(node);
    return async () => nodes.forEach((node) => void cluster.heal(node));
  },
};
const allCases = (Object.keys(ways) as Way[]).flatMap((way) =>
  Object.keys(troubles).flatMap((how) => (ways[way] === 1 ? (["all"] as const) : (["the leader", "all"] as const)).map((who) => ({ way, who, how }))),
);
/** Each way, each trouble and each who at least once: these are tried first. */
const first = ["one host, all frozen", "three hosts, the leader killed", "discovery, all cut off"];
const nameOf = ({ way, who, how }: (typeof allCases)[number]): string => `${way}, ${who} ${how}`;
const cases = someOf(first.length, [
  ...first.map((name) => allCases.find((each) => nameOf(each) === name)!),
  ...allCases.filter((each) => !first.includes(nameOf(each))),
]);

async function until(what: string, isSo: () => boolean, ms: number): Promise<void> {
  const late = performance.now() + ms;
  while (!isSo()) {
    if (performance.now() > late) throw new Error(`Not within ${ms} ms: ${what}.`);
    await elapse(20);
  }
}

describe("the log server's nodes", { timeout: 60_000 + 5 * awayMs }, () => {
  it.each(cases)("$way, $who $how: appends, deliveries and readiness are back within 10 s of its health", async ({ way, who, how }) => {
    const cluster = await startLogCluster(ways[way]);
    const delivered = new Set<number>();
    const handler = defineHandler({
      name: "seer",
      events: [happened],
      on: {
        "thing.happened": async ({ data }) => {
          delivered.add(data.n);
        },
      },
    });
    const url = way === "discovery" ? cluster.discovery : cluster.hosts;
    const store = await startStore(defineConfig({ events: [happened], handlers: [handler] }), { log: url, data: temporaryFolder() });
    let ended = false;
    let sent = 0;
    let acknowledged = 0;
    /** One after the other, each until it is stored. */
    const load = (async () => {
      while (!ended) {
        const event = { id: newId(), type: "thing.happened", entity: { type: "thing", id: String(sent % 5) }, data: { n: sent } };
        const stored = await store.append([event]).then(
          () => true,
          () => false,
        );
        if (!stored) await elapse(100);
        else {
          acknowledged++;
          sent++;
        }
        await elapse(20);
      }
    })();
    const asksReadiness = (async () => {
      while (!ended) {
        await store.probe();
        await elapse(200);
      }
    })();
    await until("deliveries before", () => delivered.size > 20 && store.notReady() === null, 20_000);

    const nodes = who === "all" ? [...Array(ways[way]).keys()] : [cluster.leader];
    const end = await troubles[how]!(cluster, nodes);
    const others = [...Array(ways[way]).keys()].filter((node) => !nodes.includes(node));
    const goneMs = performance.now();
    let saidMs: number | null = null;
    const watch = setInterval(() => (saidMs ??= store.notReady() === null ? null : performance.now() - goneMs), 20);
    if (others.length > 0) {
      cluster.elect(null);
      await elapse(electionMs);
      cluster.elect(others[0]!);
    } else {
      await elapse(awayMs);
      await end();
    }
    const healthyMs = performance.now();
    const since = () => Math.round(performance.now() - healthyMs);
    const before = { acknowledged, delivered: delivered.size };
    await until("appends again", () => acknowledged > before.acknowledged + 5, promisedMs);
    const appendsMs = since();
    await until("deliveries again", () => delivered.size > before.delivered + 5, promisedMs - since());
    const deliveriesMs = since();
    await until("ready again", () => store.notReady() === null, promisedMs - since());
    const readyMs = since();
    clearInterval(watch);
    if (others.length > 0) await end();
    await elapse(300);
    ended = true;
    await Promise.all([load, asksReadiness]);
    await until("all delivered", () => delivered.size === sent, promisedMs);
    console.log(
      `${way}, ${who} ${how}: not ready said after ${saidMs === null ? "–" : Math.round(saidMs)} ms; healthy: appends ${appendsMs} ms, deliveries ${deliveriesMs} ms, ready ${readyMs} ms`,
    );
    if (who === "all") expect(saidMs).toBeLessThan(awayMs);
  });
});
