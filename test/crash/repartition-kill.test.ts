/** A handler's lanes are divided anew by a service that is killed on the way, and asked again after its next start. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import { expect, it } from "vitest";
import type { DeadLetterReply } from "../../src/http/wire/dead-letters-replies.ts";
import type { HandlersReply } from "../../src/http/wire/service.ts";
import { startReceiver } from "../support/crash-receiver.ts";
import { get, getAll, kill, makeSite, post, startListening, until } from "../support/crash-service.ts";
import { hookConfig, InstanceLoad } from "../support/instance-load.ts";
import { judge } from "../support/instances.ts";
import { size } from "../support/sizes.ts";

const entities = 20;
/** After the first kill, which is half way for sure; when it comes, some of these are. */
const kills = size(1, 12, "REPRISE_REPARTITION_KILLS");
/** About as long as the act takes when nothing runs. */
const actMs = 150;
const letter = "thing/letter";

it("loses nothing, keeps order and its dead letters, however far the act had come at each kill", { timeout: 240_000 }, async () => {
  const held = Promise.withResolvers<void>();
  let [isBroken, holds] = [true, false];
  const receiver = await startReceiver(async ({ lane }) => {
    if (holds) await held.promise;
    return lane === letter && isBroken ? 422 : 204;
  });
  const site = makeSite(hookConfig(receiver.url)); // 8 partitions
  let lives = 0;
  const start = async () => {
    const service = await startListening(site, { CRASH_LIFE: String(++lives) });
    return { ...service, headers: {} };
  };
  let service = await start();
  const load = new InstanceLoad(receiver, entities);
  const append = () => load.append(() => [service]);
  const divide = (partitions: number) => post<{ code?: string; state?: string }>(service.url, "/handlers/hook/repartition", { partitions, reason: "test" });
  /** Whether the handler stands still half way, once it was found out at a start. */
  const isHalfWay = () =>
    until("a handler that works, or stands still half way", async () => {
      const { state, fault } = (await get<HandlersReply>(service.url, "/handlers")).handlers[0]!;
      return state === "running" ? "no" : fault?.includes("REPARTITION_RUNNING") && "yes";
    });
  const lettersOf = async () => (await getAll<DeadLetterReply>(service.url, "/admin/dlq")).map(({ id, entity }) => [id, entity.id]);
  await append();
  const bad = [0, 1].map(() => ({ id: v7(), type: "thing.happened", entity: { type: "thing", id: "letter" }, data: {} }));
  expect((await post(service.url, "/events", { events: bad })).status).toBe(201);
  await load.untilDelivered("the first events");
  const letters = await until("the dead letter", async () => {
    const all = await lettersOf();
    return all.length === 1 && all;
  });

  // A call that does not end keeps the act at its first step.
  holds = true;
  await append();
  await until("a call that hangs", () => receiver.calls().some(({ answered, lane }) => answered === null && lane !== letter));
  void divide(3).catch(() => {});
  await until("the act to be under way", async () => (await isHalfWay()) === "yes");
  await kill(service);
  [holds, service] = [false, await start()];
  held.resolve();
  expect(await isHalfWay()).toBe("yes");
  expect((await divide(4)).body).toMatchObject({ code: "REPARTITION_RUNNING" });
  expect(await divide(3)).toMatchObject({ status: 200 });
  await load.untilDelivered("what waited");
  expect(judge(receiver).repeats).toBeLessThanOrEqual(entities + 1);

  let halfWay = 0;
  for (let n = 0; n < kills; n++) {
    const partitions = [5, 1, 4, 2, 7, 3][n % 6]!;
    await append();
    const asked = divide(partitions).catch(() => null);
    await wait(Math.random() * actMs);
    await kill(service);
    await asked;
    service = await start();
    if ((await isHalfWay()) === "yes") halfWay++;
    expect(await divide(partitions)).toMatchObject({ status: 200 });
    await append();
    await load.untilDelivered("all events");
    expect(await until("the dead letter, as it was", async () => (await lettersOf()).length === 1 && (await lettersOf()))).toEqual(letters);
  }
  isBroken = false;
  expect((await post(service.url, `/admin/dlq/${letters[0]![0]}/replay`, { reason: "mended" })).status).toBeLessThan(300);
  await until("what the dead letter held", () => receiver.calls().some(({ id, answered }) => id === bad[1]!.id && answered?.status === 204));
  console.log(`divided anew with ${kills + 1} kills, ${halfWay + 1} of them half way: ${load.sent.length} events, ${judge(receiver).repeats} calls again`);
  expect(judge(receiver).wrong).toEqual([]);
});
