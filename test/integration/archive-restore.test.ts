import { describe, expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { isEntityStream } from "../../src/event/names.ts";
import { digestOf } from "../../src/log/copy/digest.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openLog } from "../../src/log/open-log.ts";
import { type Restorable, type Restored, restore } from "../../src/retention/archive/restore.ts";
import { makeArchiveScene, placeOrders } from "../support/archive-scene.ts";
import { expectProblem, serverOver } from "../support/http.ts";
import { startLogServer } from "../support/log-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const act = { actor: "anna", reason: "an audit" };
const orders = ["a", "b", "c"];
const all = { "default.order-a": 5, "default.order-b": 5, "default.order-c": 5 };

/** Of each entity's stream: what a log holds, in a few bytes. */
async function digests(log: EventLog): Promise<Record<string, string>> {
  const found = new Map<string, Uint8Array>();
  for await (const batch of log.readAll())
    for (const event of batch.filter(({ stream }) => isEntityStream(stream)))
      found.set(event.stream, digestOf(found.get(event.stream) ?? null, event.revision, event.recordedAt, event));
  return Object.fromEntries([...found].map(([stream, digest]) => [stream, Buffer.from(digest).toString("hex")]));
}

describe.each([
  ["an embedded log", async () => `sqlite:${temporaryFolder()}`],
  ["a log on a server", async () => (await startLogServer()).url],
])("a round trip through the archive: %s", { timeout: 60_000 }, (_, emptyLog) => {
  it("gives equal digests in an empty log, and delivers nothing there", async () => {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, orders, 5);
    await store.close();
    const log = await scene.openLog();
    const [before, source] = [await digests(log), log.logId];
    await log.close();
    await scene.archive(all);

    const url = await emptyLog();
    const target = await openLog(url);
    const archive = await scene.openArchive(source);
    expect(await restore({ log: target, archive, newId, act }, "all")).toMatchObject({ how: "in_place", streams: 3, events: 15, present: 0 });
    expect(await digests(target)).toEqual(before);
    expect(await restore({ log: target, archive, newId, act }, "all")).toMatchObject({ how: "in_place", events: 0, present: 15 });
    expect(await digests(target)).toEqual(before);
    await target.close();

    const there = makeArchiveScene(url);
    const again = await there.start();
    await placeOrders(again, ["a"], 1);
    await expect.poll(() => there.calls.length).toBe(1);
    expect(there.calls).toEqual([expect.objectContaining({ entity: "a", revision: 5 })]);
  });
});

describe("an entity that is brought back into the log that it left", () => {
  it("is read as before, under its own ids and revisions, and nothing is delivered", async () => {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, orders, 5);
    const before = await store.readEntity({ type: "order", id: "a" });
    await store.close();
    await scene.archive({ "default.order-a": 4, "default.order-b": 5 });
    const again = await scene.start();
    const calls = scene.calls.length;
    const app = serverOver(again);
    expectProblem(await app.inject(`/events/${before.events[0]!.id}`), 410, "EVENT_ARCHIVED");
    const answer = await app.inject({ method: "POST", url: "/archive/restores", payload: { entity: { type: "order", id: "a" }, reason: "an audit" } });
    expect(answer.json()).toMatchObject({ how: "beside", streams: 1, events: 4, present: 0 });
    const after = await again.readEntity({ type: "order", id: "a" });
    expect(after.archived).toBeNull();
    expect(after.events.map(({ deliveries: _, ...event }) => event)).toEqual(before.events.map(({ deliveries: _, ...event }) => event));
    for (const { id } of before.events) expect((await app.inject(`/events/${id}`)).statusCode).toBe(200);
    expect((await again.readEntity({ type: "order", id: "b" })).archived?.before).toBe(5);
    await placeOrders(again, ["a"], 1);
    await expect.poll(() => scene.calls.length).toBe(calls + 1);
    expectProblem(await app.inject({ method: "POST", url: "/archive/restores", payload: { segment: "none-such" } }), 404, "NOT_FOUND");
    expectProblem(await app.inject({ method: "POST", url: "/archive/restores", payload: {} }), 400, "REQUEST_INVALID");
  });

  it("is refused from the archive of another log, and a restore that was cut off goes on", async () => {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, orders, 3);
    await store.close();
    const { logId } = await (async () => {
      const log = await scene.openLog();
      await log.close();
      return log;
    })();
    await scene.archive({ "default.order-a": 3 });
    const archive = await scene.openArchive(logId);

    const other = makeArchiveScene();
    const busy = await other.start();
    await placeOrders(busy, ["z"], 1);
    await busy.close();
    const log = await other.openLog();
    const bring = (what: Restorable, signal?: AbortSignal): Promise<Restored> => restore({ log, archive, newId, act, ...(signal && { signal }) }, what);
    await expect(bring("all")).rejects.toMatchObject({ code: "ARCHIVE_FOREIGN" });
    await log.close();

    const own = await scene.openLog();
    let seen = 0;
    const stopped = new AbortController();
    const cut = { ...archive, stream: (stream: string) => ended(archive.stream(stream), () => void (++seen === 2 && stopped.abort())) };
    await restore({ log: own, archive: cut, newId, act, signal: stopped.signal }, { stream: "default.order-a" });
    const whole = await restore({ log: own, archive, newId, act }, { stream: "default.order-a" });
    expect(whole.events + whole.present).toBe(3);
    expect(whole.present).toBeGreaterThan(0);
  });
});

async function* ended<T>(items: AsyncIterable<T>, each: () => void): AsyncGenerator<T, void> {
  for await (const item of items) {
    yield item;
    each();
  }
}

describe("a replay of history from the archive", () => {
  it("gives a new handler the same payloads, in the same order, as the log gave it", async () => {
    const [fromLog, fromArchive] = await Promise.all([replayed(false), replayed(true)]);
    expect(fromLog.length).toBe(15);
    expect(fromArchive.map(({ entity, revision, data }) => ({ entity, revision, data }))).toEqual(
      fromLog.map(({ entity, revision, data }) => ({ entity, revision, data })),
    );
  });

  /** What a handler that is new gets of orders that were placed before it came. */
  async function replayed(archived: boolean): Promise<readonly { readonly entity: string; readonly revision: number; readonly data: unknown }[]> {
    const scene = makeArchiveScene();
    const store = await scene.start();
    await placeOrders(store, orders, 5);
    await expect.poll(() => scene.calls.length).toBe(15);
    await store.close();
    if (archived) await scene.archive({ "default.order-a": 5, "default.order-b": 3 });
    const again = await scene.start(["ledger"]);
    const before = scene.calls.length;
    const app = serverOver(again);
    const selection = { history: { handler: "ledger", from_archive: true } };
    const plan = await app.inject({ method: "POST", url: "/replays/plan", payload: { selection } });
    expect(plan.json()).toMatchObject({ deliveries: 15, invalid_total: 0, ineligible: [] });
    expect((plan.json() as { samples: unknown[] }).samples.length).toBeGreaterThan(0);
    await app.inject({
      method: "POST",
      url: "/replays",
      payload: { plan_id: (plan.json() as { plan_id: string }).plan_id, mode: "run", reason: "a new ledger" },
    });
    await expect.poll(() => scene.calls.length, { timeout: 25_000 }).toBe(before + 15);
    const calls = scene.calls.slice(before);
    expect(calls.every(({ replay }) => replay)).toBe(true);
    // Each entity in order; lanes run side by side.
    return calls.toSorted((a, b) => a.entity.localeCompare(b.entity) || 0);
  }
});
