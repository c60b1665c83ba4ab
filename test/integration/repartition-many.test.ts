/** A handler divided anew while two instances share its work, and events go on coming: asked of either, each entity stays in order, and each call is one. */
import { v7 } from "uuid";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineConfig, defineEvent, defineHandler, openStore, type Store, Terminal } from "../../src/index.ts";
import { openLog } from "../../src/log/open-log.ts";
import { until } from "../support/crash-service.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const happened = defineEvent("thing.happened", { 1: z.object({ fails: z.boolean() }) });
const event = (id: string, fails = false) => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id }, data: { fails } });
const counts = async (store: Store) => (await store.views.handlers())[0]!;
const owned = (store: Store, name: string) =>
  store.cluster().partitions.filter(({ owner, state }) => state === "owned" && owner?.startsWith(`${name}.`)).length;

it("every member follows, acts and appends go on meanwhile, nothing is lost or called twice", { timeout: 90_000 }, async () => {
  const { url } = await startLogServer();
  const calls: { readonly id: string; readonly revision: number }[] = [];
  const state = { broken: true };
  const handler = defineHandler({
    ...{ name: "desk", partitions: 1, startFrom: "beginning", retry: { maxAttempts: 1 }, events: [happened] },
    on: {
      "thing.happened": async ({ entity: { id }, revision, data }) => {
        if (data.fails && state.broken) throw new Terminal("broken");
        calls.push({ id, revision });
      },
    },
  });
  const open = async (instance: string) => {
    const store = await openStore(defineConfig({ events: [happened], handlers: [handler] }), {
      log: url,
      data: temporaryFolder(),
      instance,
      instances: "many",
    });
    onTestFinished(() => store.close());
    await store.start();
    return store;
  };
  const one = await open("one");
  await until("an owner", () => owned(one, "one") === 1);
  const two = await open("two");
  const good = Array.from({ length: 12 }, (_, n) => `good${n}`);
  const bad = Array.from({ length: 6 }, (_, n) => `bad${n}`);
  await one.append([...good, ...bad].map((id) => event(id)));
  await one.append(bad.map((id) => event(id, true)));
  await until("the dead letters", async () => (await counts(two)).byStatus.dead_lettered === 6);

  let isOver = false;
  const load = (async () => {
    for (let n = 0; !isOver; n++) await [one, two][n % 2]!.append(good.map((id) => event(id)));
  })();
  const [letter, ...others] = (await two.views.deadLetters({ tenant: "default" }, { limit: 10, data: false })).events;
  const dividing = two.repartitionHandler("desk", 8, { reason: "more instances" }); // the owner is the other one
  await until("the other to hear", async () => (await counts(one)).fault?.includes("into 8 partitions") === true);
  const early = await one.repartitionHandler("desk", 4).catch((error: unknown) => error);
  const discarded = one.discard(letter!.deliveryId, { reason: "not needed" });
  expect(await dividing).toMatchObject({ state: "repartitioned", partitions: 8, before: 1 });
  expect(early).toMatchObject({ code: "REPARTITION_RUNNING" });
  await discarded;
  await until("a share each", () => owned(one, "one") === 4 && owned(two, "two") === 4);
  state.broken = false;
  for (const { deliveryId } of others) expect(await one.replay(deliveryId, { reason: "mended" })).toMatchObject({ status: "replayed" });
  expect(await one.repartitionHandler("desk", 3, { reason: "fewer" })).toMatchObject({ state: "repartitioned", partitions: 3, before: 8 });
  await until("owners of all three", () => owned(one, "one") + owned(two, "two") === 3 && two.cluster().partitions.length === 3);
  isOver = true;
  await load;
  await until("all", async () => (await counts(one)).waiting === 0 && (await counts(two)).waiting === 0);

  for (const id of good) {
    const own = calls.filter((call) => call.id === id).map(({ revision }) => revision);
    expect(own).toEqual(Array.from({ length: own.length }, (_, revision) => revision));
  }
  const view = await counts(two);
  expect(view.byStatus).toMatchObject({ replayed: 5, discarded: 1, dead_lettered: 0 });
  expect(calls).toHaveLength(view.done - 1);
  const log = await openLog(url, {});
  onTestFinished(() => log.close());
  const divisions: number[] = [];
  for await (const batch of log.readStream("reprise.cluster"))
    for (const { type, data } of batch) if (type === "handler.partitioned") divisions.push((data as { readonly partitions: number }).partitions);
  expect(divisions).toEqual([8, 3]); // whoever was the first to say so
});
