/** Requests that come to two instances at once: one that bears an Idempotency-Key, a decision, and the use of a key that was just revoked. */
import { setTimeout as wait } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createKey, revokeKey } from "../../src/access/edit-key-file.ts";
import { openKeys } from "../../src/access/keys.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeServer } from "../../src/http/server.ts";
import { defineConfig, defineEvent, defineHandler, openStore, type Store } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { silent } from "../support/http.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const asked = defineEvent("refund.asked", { 1: z.object({ cents: z.int() }) });

interface Instance {
  readonly store: Store;
  readonly app: FastifyInstance;
}

/** Two instances, each with partitions of its own; the bank waits for a person before it pays. */
async function twoInstances() {
  const { url } = await startLogServer();
  const path = `${temporaryFolder()}/keys.json`;
  const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const editing = () => ({ path, nowMs: Date.now(), random });
  const of = { tenant: "default", role: "admin", expiresAtMs: null, limit: { per_second: 100_000, burst: 1_000_000 }, sources: null } as const;
  const [first, second] = ["anna", "bert"].map((name) => createKey(editing(), { ...of, name }));
  const paid: string[] = [];
  const open = async (instance: string): Promise<Instance> => {
    const bank = defineHandler({
      ...{ name: "bank", partitions: 2, startFrom: "beginning", events: [asked] },
      escalate: () => "a person decides",
      on: { "refund.asked": ({ entity }, { approval }) => void paid.push(`${entity.id} by ${approval?.by}`) },
    });
    const config = defineConfig({ events: [asked], handlers: [bank] });
    const store = await openStore(config, { log: url, data: temporaryFolder(), instance, instances: "many" });
    const keys = openKeys({ path, clock: systemClock });
    const app = makeServer({ store, logger: silent, clock: systemClock, keys });
    onTestFinished(async () => {
      await app.close();
      keys.close();
      await store.close();
    });
    await store.start();
    return { store, app };
  };
  const instances = [await open("one"), await open("two")] as const;
  const shared = () =>
    instances.every(({ store }, n) => {
      const { partitions } = store.cluster();
      return partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${["one", "two"][n]}.`)).length === 1;
    });
  await until("a share each", shared);
  return { url, instances, paid, first: first!, second: second!, revoke: (id: string) => revokeKey(editing(), id) };
}

const post = async ({ app }: Instance, url: string, payload: object, headers: Readonly<Record<string, string>>) =>
  app.inject({ method: "POST", url, payload, headers });
const refund = (id: string) => ({ type: "refund.asked", entity: { type: "order", id }, data: { cents: 20_000 } });

async function storedOf(url: string, type: string): Promise<number> {
  const log = await openLog(url);
  let count = 0;
  for await (const batch of log.readAll({ filter: { types: [type] } })) count += batch.length;
  await log.close();
  return count;
}

describe("requests to two instances at once", { timeout: 120_000 }, () => {
  it("are done once for one Idempotency-Key, decided once, and refused at both within 5 s of the key's end", async () => {
    const { url, instances, paid, first, second, revoke } = await twoInstances();
    const by = ({ text }: { readonly text: string }) => ({ authorization: `Bearer ${text}` });

    // 50 requests with one key, 25 to each instance; a client repeats until it has an answer.
    const answers: { readonly status: number; readonly body: string }[] = [];
    const client = async (n: number, path: string, body: object, key: string) => {
      for (;;) {
        const answer = await post(instances[n % 2]!, path, body, { ...by(first), "idempotency-key": key });
        if (answer.statusCode !== 409) return void answers.push({ status: answer.statusCode, body: answer.body });
        expect(answer.json().code).toBe("IDEMPOTENCY_IN_PROGRESS");
        await wait(50);
      }
    };
    await Promise.all(Array.from({ length: 50 }, (_, n) => client(n, "/events", { events: [refund("e0")] }, "one append")));
    expect(answers).toHaveLength(50);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers[0]!.status).toBe(201);
    expect(await storedOf(url, "refund.asked")).toBe(1);
    answers.length = 0;
    await Promise.all(Array.from({ length: 50 }, (_, n) => client(n, "/entities/order/e0/pause", { reason: "look first" }, "one act")));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200 });
    expect(await storedOf(url, "lane.paused")).toBe(1);
    expect((await post(instances[1], "/entities/order/e0/resume", { reason: "looked" }, by(first))).statusCode).toBe(200);

    // Two people decide at once, each at an instance of their own, whoever owns the entity.
    const ids = Array.from({ length: 12 }, (_, n) => `e${n}`);
    await instances[0].store.append(ids.slice(1).map((id) => refund(id)));
    const openOnes = async ({ store }: Instance) => (await store.views.escalations({ tenant: "default" }, { limit: 100 })).escalations;
    await until("what waits, at both", async () => (await openOnes(instances[0])).length === 12 && (await openOnes(instances[1])).length === 12);
    for (const { deliveryId } of await openOnes(instances[0])) {
      const path = `/admin/escalations/${deliveryId}/approve`;
      const decided = await Promise.all([first, second].map((key, n) => post(instances[n]!, path, { reason: "the customer called" }, by(key))));
      expect(decided.map(({ statusCode }) => statusCode).toSorted()).toEqual([200, 409]);
      const lost = decided.find(({ statusCode }) => statusCode === 409)!.json();
      const won = decided.find(({ statusCode }) => statusCode === 200)!.json();
      expect(lost).toMatchObject({ code: "ALREADY_DECIDED", decided_by: won.decided_by });
    }
    await until("all to be paid", () => paid.length === 12);
    expect(new Set(paid.map((each) => each.split(" ")[0]))).toEqual(new Set(ids));

    // The file is one for both.
    const use = (n: 0 | 1) => instances[n].app.inject({ url: "/handlers", headers: by(second) }).then(({ statusCode }) => statusCode);
    expect([await use(0), await use(1)]).toEqual([200, 200]);
    const revokedMs = performance.now();
    revoke(second.key.id);
    await until("refused at both", async () => (await use(0)) === 401 && (await use(1)) === 401);
    expect(performance.now() - revokedMs).toBeLessThan(5000);
    expect((await post(instances[0], "/entities/order/e0/pause", { reason: "again" }, by(second))).statusCode).toBe(401);
  });
});
