/** Acts at an instance that does not own the entity's partition: its owner judges them, and answers in its journal. */
import { v7 } from "uuid";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, openStore, type Store, Terminal } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { runTerms } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ fails: z.boolean() }) });

interface Scene {
  readonly url: string;
  readonly calls: { readonly instance: string; readonly entity: string; readonly revision: number; readonly replay: boolean }[];
  broken: boolean;
}

async function open({ url, calls, ...scene }: Scene, instance: string, isBroken: () => boolean = () => scene.broken): Promise<Store> {
  const handler = defineHandler({
    name: "desk",
    partitions: 8,
    startFrom: "beginning",
    retry: { maxAttempts: 1 },
    events: [happened],
    on: {
      "thing.happened": async ({ entity, revision, data }, { replay }) => {
        calls.push({ instance, entity: entity.id, revision, replay: replay !== null });
        if (data.fails && isBroken()) throw new Terminal("broken");
      },
    },
  });
  const store = await openStore(defineConfig({ events: [happened], handlers: [handler] }), { log: url, data: temporaryFolder(), instance, instances: "many" });
  onTestFinished(() => store.close());
  await store.start();
  return store;
}

const event = (id: string, fails: boolean) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id }, data: { fails } });
const owned = (store: Store, name: string) =>
  store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${name}.`)).length;
const counts = async (store: Store) => (await store.views.handlers())[0]!;

describe("acts at any of two instances", { timeout: 240_000 }, () => {
  it("are done by the owner, each once, whichever instance is asked", async () => {
    const { url } = await startLogServer();
    const state = { broken: true };
    const scene: Scene = { url, calls: [], broken: true };
    const one = await open(scene, "one", () => state.broken);
    const two = await open(scene, "two", () => state.broken);
    await until("a share each", () => owned(one, "one") === 4 && owned(two, "two") === 4);
    const ids = Array.from({ length: 24 }, (_, n) => `e${n}`);
    await one.append(ids.map((id) => event(id, true)));
    await one.append(ids.map((id) => event(id, false)));
    await until("the dead letters", async () => (await counts(two)).byStatus.dead_lettered === 24 && (await counts(two)).byStatus.held === 24);
    expect(new Set(scene.calls.map(({ instance }) => instance))).toEqual(new Set(["one", "two"]));

    const letters = (await two.views.deadLetters({ tenant: "default" }, { limit: 100, data: false })).events;
    expect(letters).toHaveLength(24);
    // Discarded at one instance, whoever owns them.
    for (const letter of letters.slice(0, 8)) await one.discard(letter.deliveryId, { actor: "anna", reason: "not needed" });
    await until("what they held", async () => (await counts(one)).byStatus.completed === 8);
    await expect(two.discard(letters[0]!.deliveryId, { reason: "again" })).rejects.toMatchObject({ code: "NOT_DEAD_LETTERED" });

    // Lanes are paused and resumed at the other one.
    const still = letters.slice(8, 12).map(({ stream }) => stream.slice("default.thing-".length));
    for (const id of still) await two.pauseEntity({ type: "thing", id }, { actor: "bert", reason: "look first" });
    for (const id of still) {
      expect((await two.views.entity("default", { type: "thing", id }))!.handlers[0]).toMatchObject({ why: "paused by bert: look first" });
      await expect(one.replay(letters.find(({ stream }) => stream.endsWith(`-${id}`))!.deliveryId, { reason: "now" })).rejects.toMatchObject({
        code: expect.stringMatching(/LANE_PAUSED|NOT_DEAD_LETTERED/),
      });
    }
    for (const id of still) await one.resumeEntity({ type: "thing", id }, { reason: "looked" });

    // Amended and replayed, one by one and all that is left.
    state.broken = true;
    const amended = letters.slice(12, 16);
    for (const { deliveryId } of amended) await one.amend(deliveryId, { data: { fails: false }, reason: "mended by hand" });
    for (const { deliveryId } of amended) expect(await two.replay(deliveryId, { reason: "mended" })).toMatchObject({ status: "replayed" });
    state.broken = false;
    const plan = await two.planReplay({ kind: "dead_letters", filter: { handler: "desk" }, stored: { handler: "desk" } as never });
    const run = await two.startReplay(plan.planId, { terms: runTerms, reason: "all mended" });
    await until("the replay", async () => ((await two.views.replay("default", run.replayId)) as { endedAt: string | null } | undefined)?.endedAt != null);
    await until("all", async () => (await counts(one)).waiting === 0);
    expect((await counts(two)).byStatus).toMatchObject({ discarded: 8, replayed: 16, completed: 24, dead_lettered: 0 });

    // Each once, in order.
    for (const id of ids) {
      const own = scene.calls.filter(({ entity }) => entity === id);
      expect(own.filter(({ replay }) => !replay).map(({ revision }) => revision)).toEqual([0, 1]);
      expect(own.filter(({ replay }) => replay).length).toBeLessThanOrEqual(1);
    }

    // A pause of the handler binds both.
    await two.pauseHandler("desk", { reason: "wait" });
    await until("paused at both", async () => (await counts(one)).state === "paused" && (await counts(two)).state === "paused");
    const before = scene.calls.length;
    await one.append(ids.map((id) => event(id, false)));
    await until("all to wait", async () => (await counts(one)).waiting === 24);
    expect(scene.calls.length).toBe(before);
    await one.resumeHandler("desk", { reason: "go on" });
    await until("all", async () => (await counts(one)).waiting === 0);

    const log = await openLog(url, {});
    onTestFinished(() => log.close());
    let answers = 0;
    for await (const batch of log.readAll({ filter: { streamPrefixes: ["reprise.journal-"] } }))
      for (const { data } of batch) if ((data as { act?: { actId?: string } }).act?.actId !== undefined) answers++;
    expect(answers).toBeGreaterThan(4);
  });
});
