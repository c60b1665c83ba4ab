import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { isRepriseError, type RepriseError } from "../../src/errors.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";
import { rowsOf } from "../support/views-rows.ts";

async function refusal(act: Promise<unknown>): Promise<RepriseError> {
  const error = await act.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isRepriseError(error)) throw new Error("it was not refused", { cause: error });
  return error;
}

/** Some events, a handler with a dead letter, and views at the end of it. */
async function aStory() {
  const fixture = makeViewsFixture();
  await fixture.configure("ledger");
  const events = await fixture.paid("default.order-1", 5);
  await fixture.paid("default.order-2", 3);
  await fixture.journal("ledger", deadLettered(events[1]!), progress(await fixture.log.head(), [[events[1]!]]));
  return { ...fixture, events };
}

describe("projecting", () => {
  it("follows the log, and lets callers wait for what they wrote", async () => {
    const { open, paid, log } = await aStory();
    const views = await open();
    expect(views.position()).toBe(String(await log.head()));
    const [written] = await paid("default.order-3");
    expect((await views.entity("default", { type: "order", id: "3" }))?.revision).toBeUndefined();
    await views.waitFor(written!.position);
    expect((await views.entity("default", { type: "order", id: "3" }))?.revision).toBe(0);
  });

  it("refuses to wait longer than asked", async () => {
    const { open, log, clock } = await aStory();
    const views = await open();
    const late = refusal(views.waitFor((await log.head()) + 1n, 200));
    await clock.advance(200);
    expect(await late).toMatchObject({ code: "VIEW_BEHIND", retryAfterMs: 1000 });
    const closing = refusal(views.waitFor((await log.head()) + 1n));
    await views.close();
    expect((await closing).code).toBe("CLOSED");
    expect((await refusal(views.handlers())).code).toBe("CLOSED");
    await views.close();
  });

  it("goes on from where it was, also beside the real log", async () => {
    const folder = temporaryFolder();
    const log = await openSqliteLog(join(folder, "log"));
    onTestFinished(() => log.close());
    const { open, paid, file } = makeViewsFixture({ log });
    await paid("default.order-1", 700);
    const first = await open();
    await first.close();
    await paid("default.order-1", 700);
    const again = await open({ start: false });
    expect(again.position()).toBe(first.position());
    again.start();
    again.start();
    await again.waitFor(await log.head());
    expect(await again.entity("default", { type: "order", id: "1" })).toMatchObject({ revision: 1399 });
    await again.close();
    expect(rowsOf(file).events).toHaveLength(1400);
  });

  it("writes nothing while nothing happens", async () => {
    const { open, file, log, clock } = await aStory();
    const views = await open();
    const before = [statSync(`${file}-wal`).size, statSync(`${file}-wal`).mtimeMs, await log.head()];
    await views.handlers();
    await views.events({ tenant: "default", status: "held" }, { limit: 10 });
    await clock.advance(3_600_000);
    for (let i = 0; i < 20; i++) await nextTurn();
    expect([statSync(`${file}-wal`).size, statSync(`${file}-wal`).mtimeMs, await log.head()]).toEqual(before);
  });

  it("leaves the event loop to others between short transactions", async () => {
    const { open, paid, log } = makeViewsFixture();
    for (let i = 0; i < 6; i++) await paid("default.order-1", 1000);
    const views = await open({ start: false });
    let turns = 0;
    let caughtUp = false;
    const others = (async () => {
      for (; !caughtUp; turns++) await nextTurn();
    })();
    views.start();
    await views.waitFor(await log.head());
    caughtUp = true;
    await others;
    expect(turns).toBeGreaterThanOrEqual(6000 / 512);
  });

  it("tells of trouble, waits, and goes on without loss", async () => {
    const inner = openMemoryLog();
    let broken = 2;
    const log: EventLog = {
      ...inner,
      async *subscribe(options) {
        for await (const batch of inner.subscribe(options)) {
          if (batch.events.length > 0 && broken-- > 0) throw new Error("connection lost");
          yield batch;
        }
      },
    };
    const { open, paid, clock } = makeViewsFixture({ log });
    await paid("default.order-1", 3);
    const troubles: unknown[] = [];
    const views = await open({ start: false, onTrouble: (error) => troubles.push(error) });
    views.start();
    const caughtUp = views.waitFor(await log.head(), 60_000);
    await clock.advance(100);
    await clock.advance(200);
    await caughtUp;
    expect(troubles).toEqual([new Error("connection lost"), new Error("connection lost")]);
    expect(await views.entity("default", { type: "order", id: "1" })).toMatchObject({ revision: 2 });
  });

  it("stops in the middle of a wait when closed", async () => {
    const { open, log } = makeViewsFixture();
    const views = await open({
      start: false,
      log: {
        ...log,
        // biome-ignore lint/correctness/useYield: it fails before
        async *subscribe() {
          throw new Error("away");
        },
      },
    });
    views.start();
    await nextTurn();
    await views.close();
  });
});

describe("the file", () => {
  it("may be deleted: the same rows come back", async () => {
    const { open, file } = await aStory();
    await (await open()).close();
    const before = rowsOf(file);
    writeFileSync(file, "");
    await (await open()).close();
    expect(rowsOf(file)).toEqual(before);
  });

  it.each([
    ["of another log", (file: string) => new DatabaseSync(file).exec("update meta set log_id = 'another'")],
    ["of another format", (file: string) => new DatabaseSync(file).exec("pragma user_version = 77")],
    [
      "that is damaged",
      (file: string) => {
        const bytes = readFileSync(file);
        bytes.fill(0xff, 100, 4096);
        writeFileSync(file, bytes);
      },
    ],
  ])("%s begins anew", async (_, spoil) => {
    const { open, file } = await aStory();
    await (await open()).close();
    const before = rowsOf(file);
    spoil(file);
    const views = await open({ start: false });
    expect(views.position()).toBe("0");
    await views.close();
    await (await open()).close();
    expect(rowsOf(file)).toEqual(before);
  });

  it("damaged behind its beginning heals by itself, and says so", async () => {
    const { open, file } = await aStory();
    await (await open()).close();
    const before = rowsOf(file);
    const bytes = readFileSync(file);
    bytes.fill(0xff, 2 * 4096); // all but the definitions, and how far the rows go
    writeFileSync(file, bytes);
    const told: string[] = [];
    const views = await open({ onDamage: (why) => told.push(why) });
    await views.handlers().catch((error: unknown) => expect(error).toMatchObject({ code: "VIEW_BEHIND" }));
    await expect.poll(() => views.handlers().then(() => "answered")).toBe("answered");
    expect(told).toHaveLength(1);
    await views.close();
    expect(rowsOf(file)).toEqual(before);
  });

  it("damaged while it is open heals by itself, whoever meets it first", async () => {
    const { open, file } = await aStory();
    const told: string[] = [];
    const views = await open();
    const before = await views.handlers();
    await views.close();
    const again = await open({ start: false, onDamage: (why) => told.push(why) });
    const bytes = readFileSync(file);
    bytes.fill(0xff, 2 * 4096);
    writeFileSync(file, bytes);
    // The first that is asked looks over a connection of its own, at one moment of the rows.
    await expect(again.deadLetterStats({ tenant: "default" })).rejects.toMatchObject({ code: "VIEW_BEHIND" });
    await expect.poll(() => again.handlers().catch(() => null)).toEqual(before);
    expect(told).toHaveLength(1);
    await again.close();
  });

  it.each([
    ["text", (file: string) => writeFileSync(file, "Dear diary, ".repeat(500))],
    ["a few bytes", (file: string) => writeFileSync(file, "x")],
    [
      "another program's damaged database",
      (file: string) => {
        new DatabaseSync(file).exec("create table precious(x)");
        const bytes = readFileSync(file);
        bytes.fill(0xff, 100, 4096);
        writeFileSync(file, bytes);
      },
    ],
  ])("that is %s is refused, and left as it is", async (_, make) => {
    const { open, file } = makeViewsFixture();
    mkdirSync(dirname(file), { recursive: true });
    make(file);
    const before = readFileSync(file);
    expect((await refusal(open())).code).toBe("CONFIG_INVALID");
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("of somebody else is left alone", async () => {
    const { open, file } = makeViewsFixture();
    mkdirSync(dirname(file), { recursive: true });
    const other = new DatabaseSync(file);
    other.exec("create table precious(x); insert into precious values (1)");
    other.close();
    expect((await refusal(open())).code).toBe("CONFIG_INVALID");
    expect(new DatabaseSync(file).prepare("select x from precious").get()).toMatchObject({ x: 1 });
  });

  it("is refused when it is ahead of the log", async () => {
    const { open, log } = await aStory();
    await (await open()).close();
    const restored = { ...openMemoryLog(), logId: log.logId };
    expect((await refusal(open({ log: restored }))).code).toBe("LOG_BEHIND_CHECKPOINT");
  });
});

describe("rebuild", () => {
  it("gives the same rows, answers queries meanwhile, and goes on with what comes", async () => {
    const { open, paid, file, log } = await aStory();
    for (let i = 0; i < 20; i++) await paid(`default.cart-${i}`, 200);
    const views = await open();
    const handlers = await views.handlers();
    const rebuilding = views.rebuild();
    expect(views.rebuild()).toBe(rebuilding);
    let over = false;
    const positions: bigint[] = [];
    const others = (async () => {
      for (let i = 0; !over; i++) {
        if (i < 50) await paid("default.order-9");
        positions.push(BigInt(views.position()));
        expect((await views.handlers())[0]?.byStatus.dead_lettered).toBe(1);
        await nextTurn();
      }
    })();
    await rebuilding;
    over = true;
    await others;
    expect(positions).toEqual(positions.toSorted((a, b) => Number(a - b)));
    expect(existsSync(`${file}.rebuild`)).toBe(false);
    const [last] = await paid("default.order-9");
    await views.waitFor(last!.position);
    expect((await views.handlers())[0]!.wanted).toBeGreaterThan(handlers[0]!.wanted);
    await views.close();

    const rebuilt = rowsOf(file);
    writeFileSync(file, "");
    const fresh = await open();
    await fresh.waitFor(await log.head());
    await fresh.close();
    expect(rebuilt).toEqual(rowsOf(file));
  });

  it("never goes back behind what was shown", async () => {
    const { open, paid, log } = await aStory();
    let limit = 0n;
    const slow: EventLog = {
      ...log,
      async *subscribe(options) {
        for await (const { events, bytes, position, live } of log.subscribe(options)) {
          for (const event of events) {
            do await nextTurn();
            while (options.after === 0n && event.position > limit && !options.signal.aborted);
            yield { events: [event], bytes, position: event.position, live: false };
          }
          yield { events: [], bytes: 0, position, live };
        }
      },
    };
    const before = await open();
    await before.close();
    const views = await open({ log: slow });
    const head = await log.head();
    const rebuilding = views.rebuild();
    await nextTurn();
    const [written] = await paid("default.order-1");
    await views.waitFor(written!.position);
    limit = head;
    for (let i = 0; i < 200; i++) {
      await nextTurn();
      expect(views.position()).toBe(String(written!.position));
    }
    limit = written!.position;
    await rebuilding;
    expect(views.position()).toBe(String(written!.position));
  });

  it("works on views that were not started, which then stay so", async () => {
    const { open, paid, log } = await aStory();
    const views = await open({ start: false });
    await views.rebuild();
    expect(views.position()).toBe(String(await log.head()));
    await paid("default.order-1");
    for (let i = 0; i < 5; i++) await nextTurn();
    expect(views.position()).toBe(String((await log.head()) - 1n));
  });

  it("is given up when the views are closed, without a trace", async () => {
    const { open, file, log } = await aStory();
    const views = await open({
      log: { ...log, subscribe: (options) => (options.after === 0n ? silent(options.signal) : log.subscribe(options)) },
      start: false,
    });
    const rebuilding = refusal(views.rebuild());
    await nextTurn();
    expect(existsSync(`${file}.rebuild`)).toBe(true);
    await views.close();
    expect((await rebuilding).code).toBe("CLOSED");
    expect(existsSync(`${file}.rebuild`)).toBe(false);
  });

  it("that was cut off leaves nothing behind", async () => {
    const { open, file } = await aStory();
    await (await open()).close();
    writeFileSync(`${file}.rebuild`, "half");
    await open();
    expect(existsSync(`${file}.rebuild`)).toBe(false);
  });
});

async function* silent(signal: AbortSignal): AsyncGenerator<never> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
