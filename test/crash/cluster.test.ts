/** Several services share one log server while they are killed, frozen, stopped and cut off. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { describe, expect, it } from "vitest";
import { startReceiver } from "../support/crash-receiver.ts";
import { getAll, until } from "../support/crash-service.ts";
import { faultsTitle, runInstanceFaults } from "../support/instance-faults.ts";
import { hookConfig, InstanceLoad } from "../support/instance-load.ts";
import { appendAnywhere, type Instance, isShared, judge, startInstance, untilShared } from "../support/instances.ts";
import { startLogCluster } from "../support/log-cluster.ts";
import { serverLogs } from "../support/server-logs.ts";

/** As `hookConfig`, with a newer schema version of the event, and the step to it. */
const newConfig = (receiver: string): string => `
import { defineConfig, defineEvent, defineUpcasters, webhookHandler } from "reprise";
import { z } from "zod";
const happened = defineEvent("thing.happened", { 1: z.object({}), 2: z.object({ n: z.int() }) });
export default defineConfig({
  events: [happened],
  upcasters: [defineUpcasters(happened, { 1: () => ({ n: 0 }) })],
  handlers: [webhookHandler({ name: "hook", partitions: 8, url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE } })],
});
`;
describe.each(serverLogs)("three instances on %s", { timeout: 300_000 }, (title, open) => {
  it("are deployed one after the other under load, with a new schema version: nothing is lost, dead-lettered or refused", async () => {
    const server = await open();
    const receiver = await startReceiver(() => 204);
    let all = await Promise.all([1, 2, 3].map(() => startInstance(hookConfig(receiver.url), server)));
    const news: Instance[] = [];
    const sent: string[] = [];
    const waits: number[] = [];
    const append = async (instances: () => readonly Instance[], version: 1 | 2) => {
      const about = { type: "thing.happened", schema_version: version, data: version === 1 ? {} : { n: 1 } };
      const events = Array.from({ length: 20 }, (_, entity) => ({ id: v7(), ...about, entity: { type: "thing", id: `e${entity}` } }));
      const begunMs = performance.now();
      await appendAnywhere(instances, events);
      waits.push(performance.now() - begunMs);
      sent.push(...events.map(({ id }) => id));
    };
    await append(() => all, 1);
    await untilShared("all to have partitions", all);
    waits.length = 0; // the first one has waited for the first start
    let isOver = false;
    const load = (async () => {
      for (let n = 0; !isOver; n++) {
        await append(() => all, 1);
        if (news.length > 0 && n % 3 === 0) await append(() => news, 2);
        await wait(150);
      }
    })();
    for (const old of [...all]) {
      all = all.filter((one) => one !== old);
      old.send("SIGTERM");
      expect((await old.ended).code).toBe(0);
      const now = await startInstance(newConfig(receiver.url), server);
      await until("it to be ready", async () => (await fetch(`${now.url}/readyz`)).status === 200);
      all = [...all, now];
      news.push(now);
    }
    await untilShared("an even share", all);
    isOver = true;
    await load;
    const done = () => new Set(receiver.calls().flatMap(({ id, answered }) => (answered === null ? [] : [id])));
    await until("all to be delivered", () => sent.every((id) => done().has(id)));
    const { wrong, repeats } = judge(receiver);
    const slowest = Math.round(Math.max(...waits));
    console.log(`${title}: a rolling deploy: ${sent.length} events, ${repeats} calls again, the slowest append took ${slowest} ms`);
    expect(wrong).toEqual([]);
    expect(repeats).toBe(0);
    expect(await getAll(all[0]!.url, "/admin/dlq")).toEqual([]);
  });
});

describe("two instances on a log of three nodes", { timeout: 120_000 }, () => {
  it("go on within ten seconds when its leader is killed under load, and lose nothing", async () => {
    const nodes = await startLogCluster(3);
    const receiver = await startReceiver(() => 204);
    const server = { log: nodes.hosts, namespace: "" };
    const all = await Promise.all([1, 2].map(() => startInstance(hookConfig(receiver.url), server)));
    const load = new InstanceLoad(receiver, 20);
    const append = () => load.append(() => all);
    await append();
    await untilShared("all to have partitions", all);
    for (let n = 0; n < 10; n++) await append();
    const killed = nodes.leader;
    const killedMs = performance.now();
    await nodes.kill(killed);
    nodes.elect((killed + 1) % 3);
    await append();
    await load.untilDelivered("all to be delivered");
    const tookMs = Math.round(performance.now() - killedMs);
    for (let n = 0; n < 10; n++) await append();
    await load.untilDelivered("all to be delivered");
    const { wrong, repeats } = judge(receiver);
    console.log(`the leader of three nodes killed: appended and delivered again after ${tookMs} ms; ${load.sent.length} events, ${repeats} calls again`);
    expect(wrong).toEqual([]);
    expect(tookMs).toBeLessThan(10_000);
    expect(await isShared(all)).toBe(true);
  });
});

describe.each(serverLogs)("four instances on %s", { timeout: 1_800_000 }, (title, open) => {
  it(faultsTitle, async () => {
    const server = await open();
    await runInstanceFaults({ title, server, start: (config) => startInstance(config, server) });
  });
});
