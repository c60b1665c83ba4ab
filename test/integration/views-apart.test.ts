import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { startThread } from "../../src/views/apart/row-threads.ts";
import { makeSeenRows } from "../../src/views/apart/seen-rows.ts";
import { SharedPlaces } from "../../src/views/apart/shared-places.ts";
import { makeThreadProjector } from "../../src/views/apart/thread-projector.ts";
import { makePositionWaiters } from "../../src/views/position-waiters.ts";
import { openViewStore } from "../../src/views/store.ts";
import { makeMovedClock } from "../support/moved-clock.ts";
import { shorten } from "../support/shortened.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";
import { ordersCatalog } from "../support/views-history.ts";
import { rowsOf } from "../support/views-rows.ts";

const clock = systemClock;
const nobodyWaits = makePositionWaiters(() => 0n).waiting;
/** From the first event on. */
const apart = { clock, apartAfter: 0 };

/** A log on disk, which the second thread reads by itself; told which reads it left to the first one. */
async function onDisk() {
  const moved = makeMovedClock();
  const log = await openSqliteLog(join(temporaryFolder(), "log"), { clock: moved });
  onTestFinished(() => log.close());
  const asked: bigint[] = [];
  const watched: EventLog = {
    ...log,
    subscribe(options) {
      asked.push(options.after);
      return log.subscribe(options);
    },
  };
  return { ...makeViewsFixture({ log: watched }), asked, later: moved.later, path: log.apart!.place };
}

async function aStory({ configure, paid, journal, log }: Pick<Awaited<ReturnType<typeof onDisk>>, "configure" | "paid" | "journal" | "log">) {
  await configure("ledger");
  const events = await paid("default.order-1", 5);
  for (let i = 0; i < 20; i++) await paid(`default.cart-${i}`, 40);
  await journal("ledger", deadLettered(events[1]!), progress(await log.head(), [[events[1]!]]));
  return events;
}

describe("views with a thread of their own", () => {
  it("have the same rows as without, read by the thread itself", async () => {
    const scene = await onDisk();
    await aStory(scene);
    const views = await scene.open(apart);
    const handlers = await views.handlers();
    expect(handlers).toMatchObject([{ name: "ledger", byStatus: { dead_lettered: 1 } }]);
    expect(scene.asked).toEqual([]);
    await views.close();
    const here = await scene.open({ file: `${scene.file}-here` });
    expect(await here.handlers()).toMatchObject(handlers.map(({ lagSeconds: _, ...figures }) => figures));
    await here.close();
    expect(rowsOf(scene.file)).toEqual(rowsOf(`${scene.file}-here`));
  });

  it("have the same rows where journals were shortened: the first thread reads what is left of their beginnings", async () => {
    const scene = await onDisk();
    const events = await aStory(scene);
    scene.later(); // retention leaves what has the same time as a journal's last entry
    await scene.journal("ledger", deadLettered(events[2]!), progress(await scene.log.head(), [[events[2]!]]));
    expect(await shorten(scene.log, Date.now() + 60_000)).toBe(1);
    await scene.journal("ledger", deadLettered(events[3]!), progress(await scene.log.head(), [[events[3]!]]));
    const views = await scene.open(apart);
    expect(await views.handlers()).toMatchObject([{ name: "ledger", byStatus: { dead_lettered: 3 } }]);
    expect(scene.asked).toEqual([0n]);
    await views.close();
    const here = await scene.open({ file: `${scene.file}-here` });
    await here.close();
    expect(rowsOf(scene.file)).toEqual(rowsOf(`${scene.file}-here`));
  });

  it("show at once what was waited for, also what a handler wants from now on", async () => {
    const { open, paid, configure, asked } = await onDisk();
    const views = await open(apart);
    for (let i = 0; i < 30; i++) {
      const [written] = await paid(`default.order-${i}`);
      await views.waitFor(written!.position);
      expect(await views.entity("default", { type: "order", id: String(i) })).toMatchObject({ revision: 0 });
      expect(BigInt(views.position())).toBeGreaterThanOrEqual(written!.position);
    }
    const [configured] = await configure("late");
    await views.waitFor(configured!.position);
    expect(await views.handlers()).toMatchObject([{ name: "late", wanted: 30 }]);
    expect(asked).toEqual([]);
  });

  it("take over while events come, and lose or repeat none", async () => {
    const { open, paid, file, log, asked } = await onDisk();
    const views = await open({ clock, apartAfter: 300 });
    for (let i = 0; i < 40; i++) await paid(`default.order-${i % 7}`, 25);
    await views.waitFor(await log.head());
    expect(asked).toEqual([0n]); // the first thread's own, before
    expect((await views.entity("default", { type: "order", id: "0" }))?.revision).toBe(6 * 25 - 1);
    await views.rebuild();
    await paid("default.order-0", 1);
    await views.waitFor(await log.head());
    expect((await views.entity("default", { type: "order", id: "0" }))?.revision).toBe(6 * 25);
    await views.close();
    expect(rowsOf(file).events).toHaveLength(1001);
  });

  it("begin in it where enough events wait already, and the first thread reads none of them", async () => {
    const { open, paid, log, asked } = await onDisk();
    for (let i = 0; i < 40; i++) await paid(`default.order-${i % 7}`, 25);
    const views = await open({ clock, apartAfter: 1000 });
    await views.waitFor(await log.head());
    expect(asked).toEqual([]);
    await views.close();
    const again = await open({ clock, apartAfter: 1000 });
    await paid("default.order-1", 3);
    await again.waitFor(await log.head());
    expect(asked).toEqual([(await log.head()) - 3n]);
  });

  it("leave to the log's owner what cannot be read, and go on by themselves behind it", async () => {
    const { open, paid, file, asked, path } = await onDisk();
    const events = [...(await paid("default.order-1", 3)), ...(await paid("default.order-2", 600)), ...(await paid("default.order-3", 600))];
    const other = new DatabaseSync(path);
    other.prepare("update events set data = '{}' where position = ?").run(Number(events[2]!.position)); // its checksum says otherwise
    other.prepare("update events set type = 'order.lost' where position = ?").run(Number(events[1]!.position));
    other.close();
    const views = await open(apart);
    const [next] = await paid("default.order-1");
    await views.waitFor(next!.position);
    expect(asked).toEqual([0n]);
    await views.close();
    expect(rowsOf(file).events).toHaveLength(1204);
  });

  it("are read as of one moment in one turn, whatever the thread writes meanwhile", async () => {
    const { log, file, paid } = await onDisk();
    const store = openViewStore(file, log.logId, ordersCatalog);
    const projector = makeThreadProjector({
      abridgedThrough: 0n,
      ...{ store, use: "live", from: 0n, log, clock, catalog: ordersCatalog, waiting: nobodyWaits },
      ...{ onMoved() {}, onDamage() {}, onTrouble: (error: unknown) => expect.unreachable(String(error)) },
    });
    projector.start();
    const count = () => store.db.get<{ n: number }>("select count(*) n from events")!.n;
    for (let i = 1; i <= 5; i++) {
      await paid("default.order-1", 10);
      await nextTurn(); // in which the thread is woken
      const outside = new DatabaseSync(file, { readOnly: true });
      const seen = count();
      const position = projector.position();
      while ((outside.prepare("select count(*) n from events").get() as { n: number }).n < 10 * i); // this very turn
      outside.close();
      expect([count(), projector.position()]).toEqual([seen, position]);
      await nextTurn();
      expect(count()).toBe(10 * i);
      await expect.poll(() => projector.position()).toBe(await log.head());
    }
    await projector.stop();
    store.close();
  });

  it("are told once of who reads them while they rest", async () => {
    const store = openViewStore(join(temporaryFolder(), "views.db"), "log", ordersCatalog);
    onTestFinished(() => store.close());
    const shared = new SharedPlaces();
    let hurried = 0;
    const seen = makeSeenRows(store.db, shared, ordersCatalog, () => hurried++);
    const read = () => {
      store.db.get("select position from meta");
      seen.renew();
    };
    read();
    expect(hurried).toBe(0);
    shared.restsUntilRead = true;
    read();
    read();
    expect(hurried).toBe(1);
  });

  it("are told of a commit after everybody else who waits for it", async () => {
    const { log, file, paid } = await onDisk();
    const store = openViewStore(file, log.logId, ordersCatalog);
    let told: string[] = [];
    const projector = makeThreadProjector({
      abridgedThrough: 0n,
      ...{ store, use: "live", from: 0n, log, clock, catalog: ordersCatalog, waiting: nobodyWaits },
      ...{ onMoved() {}, onDamage() {}, onTrouble: (error: unknown) => expect.unreachable(String(error)) },
      start(...begins) {
        const thread = startThread(...begins);
        const tell: typeof thread.tell = (message) => {
          told.push(message.is);
          thread.tell(message);
        };
        return { ...thread, tell };
      },
    });
    projector.start();
    log.apart!.onEnd(() => told.push("another"));
    do {
      await expect.poll(() => projector.position()).toBe(await log.head());
      told = [];
      await paid("default.order-1");
      await nextTurn();
    } while (told.length === 1); // the thread was not waiting yet
    expect(told).toEqual(["another", "grown"]);
    await projector.stop();
    store.close();
  });

  it("let the log be closed before them", async () => {
    const { open, paid, log } = await onDisk();
    const views = await open(apart);
    const [written] = await paid("default.order-1");
    await views.waitFor(written!.position);
    await log.close();
    expect(views.position()).toBe(String(written!.position));
    await views.close();
  });

  it("tell that their file cannot be written", async () => {
    const { open, file, paid } = await onDisk();
    await paid("default.order-1");
    const views = await open(apart);
    await views.probe();
    const other = new DatabaseSync(file);
    other.exec("begin immediate");
    await expect(views.probe()).rejects.toThrow("locked");
    other.close();
    await views.probe();
  });

  it("go on when the thread dies, and say so meanwhile", async () => {
    const { log, file, paid } = await onDisk();
    const store = openViewStore(file, log.logId, ordersCatalog);
    const troubles: unknown[] = [];
    let starts = 0;
    const projector = makeThreadProjector({
      abridgedThrough: 0n,
      ...{ store, use: "live", from: 0n, log, clock, catalog: ordersCatalog, waiting: nobodyWaits },
      ...{ onMoved() {}, onDamage() {}, onTrouble: (error: unknown) => troubles.push(error) },
      start(begins, take, ended) {
        if (++starts > 2) return startThread(begins, take, ended);
        return startThread({ ...begins, file: join(file, "missing") }, take, ended);
      },
    });
    await paid("default.order-1", 3);
    projector.start();
    await expect.poll(() => projector.trouble()).toMatch("unable to open");
    await expect.poll(() => projector.position(), { timeout: 25_000 }).toBe(await log.head());
    expect(projector.trouble()).toBeNull();
    expect(troubles).toHaveLength(2);
    await projector.stop();
    store.close();
  });
});
