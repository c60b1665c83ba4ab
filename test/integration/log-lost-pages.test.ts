import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { StoredEvent } from "../../src/event/event.ts";
import { defineConfig, defineEvent, defineHandler } from "../../src/index.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { checkSqliteLog } from "../../src/log/sqlite/check.ts";
import { openSqliteLog, openSqliteLogReadOnly } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

/** Park and Miller's generator: the same log and pages at every run. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** As a log above 64 MiB is opened: nothing looks at its pages before. */
const unchecked = { limits: { checkBytes: 0 } };

async function open(folder: string): Promise<EventLog> {
  const log = await openSqliteLog(folder, unchecked);
  onTestFinished(() => log.close());
  return log;
}

interface Page {
  readonly page: number;
  readonly kind: "leaf" | "internal";
}

function treeOf(folder: string, table: string): readonly Page[] {
  const db = new DatabaseSync(join(folder, "log.db"));
  const rows = db.prepare("select pageno as page, pagetype as kind from dbstat where name = ? and pagetype <> 'overflow' order by path").all(table);
  db.close();
  return rows as unknown as readonly Page[];
}

/** Pages of the table of events but the first and the last leaf, without which a log does not open, and its root. */
function pagesOf(folder: string): readonly Page[] {
  const pages = treeOf(folder, "events");
  const leaves = pages.filter(({ kind }) => kind === "leaf");
  const root = Math.min(...pages.map(({ page }) => page));
  return pages.filter((page) => page !== leaves[0] && page !== leaves.at(-1) && page.page !== root);
}

function spoil(folder: string, pages: readonly number[], fill = 0xfe): void {
  const file = join(folder, "log.db");
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(fill, (page - 1) * 4096, page * 4096);
  writeFileSync(file, bytes);
}

const place = ({ stream, revision }: StoredEvent) => `${stream} ${revision}`;
const keyOf = ({ position }: StoredEvent) => position;

/** What is told is what was stored, or that it is damaged; and every event is told, at its place in the log and in its stream. */
async function expectHonest(log: EventLog, good: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
  const all = await flat(log.readAll());
  expect(all.map(keyOf)).toEqual(good.map(keyOf));
  const lost: StoredEvent[] = [];
  for (const [index, event] of all.entries())
    if (event.damage === undefined) expect(event).toEqual(good[index]);
    else lost.push(event);
  const lostPositions = new Set(lost.map(keyOf));
  const stored = good.filter(({ position }) => lostPositions.has(position));
  expect(lost.map(({ id }) => id)).toEqual(stored.map(({ id }) => id));
  // Which of several events of a page stood where may be a guess; whose they were is none, nor is their order.
  expect(new Set(lost.map(place))).toEqual(new Set(stored.map(place)));
  expect((await flat(log.readAll({ direction: "backward" }))).map(place)).toEqual(all.toReversed().map(place));
  for (const [stream, its] of Map.groupBy(good, (event) => event.stream)) {
    if (stream === "reprise.log") continue;
    const read = await flat(log.readStream(stream));
    expect(read.map(place)).toEqual(its.map(place));
    for (const [index, event] of read.entries()) if (event.damage === undefined) expect(event).toEqual(its[index]);
    expect(read.filter(({ damage }) => damage !== undefined).map(place)).toEqual(lost.filter((event) => event.stream === stream).map(place));
    expect((await flat(log.readStream(stream, { direction: "backward" }))).map(place)).toEqual(its.toReversed().map(place));
    const middle = its[Math.floor(its.length / 2)]!.revision;
    expect((await flat(log.readStream(stream, { from: middle }))).map(place)).toEqual(its.filter(({ revision }) => revision >= middle).map(place));
  }
  const types = ["order.placed"];
  const typed = await flat(log.readAll({ filter: { types } }));
  expect(typed.map(keyOf)).toEqual(all.filter(({ type, damage }) => types.includes(type) || damage !== undefined).map(keyOf));
  return lost;
}

describe("pages of the log that cannot be read while it runs", () => {
  it.each(Array.from({ length: size(4, 24) }, (_, index) => index + 1))(
    "hide nothing but their own events, which are told as damaged at their places (seed %i)",
    async (seed) => {
      const random = makeRandom(seed * 7919);
      const folder = temporaryFolder();
      const log = await openSqliteLog(folder);
      const streams = 1 + random(seed % 3 === 0 ? 100 : 8);
      for (let count = 0; count < 1500; count++) {
        const event = () => ({ ...anEvent({ count, note: "x".repeat(random(20) * random(30)) }), type: random(3) === 0 ? "order.placed" : "order.paid" });
        await log.append(`default.order-${random(streams)}`, Array.from({ length: 1 + random(3) }, event), "any");
      }
      if (seed % 2 === 0) await log.truncate("default.order-0", 3);
      const good = await flat(log.readAll());
      await log.close();
      const pages = pagesOf(folder);
      const inner = pages.filter(({ kind }) => kind === "internal");
      const chosen = Array.from({ length: 1 + random(3) }, () => pages[random(pages.length)]!.page);
      if (seed % 4 === 0 && inner.length > 0) chosen.push(inner[random(inner.length)]!.page);
      spoil(folder, chosen);

      const damaged = await open(folder);
      const lost = await expectHonest(damaged, good);
      expect(lost.length).toBeGreaterThan(0);
      expect(damaged.warnings?.().join()).toMatch(/LOG_DAMAGED.*position/);
      expect(damaged.warnings?.().join()).not.toContain("nothing says");
      const found = await damaged.findByIds("default", [lost[0]!.id]);
      expect(found.map(({ damage }) => damage?.detail)).toEqual([lost[0]!.damage!.detail]);
      const after = await damaged.append(lost[0]!.stream, [anEvent()], "any");
      expect((await flat(damaged.readAll({ after: after[0]!.position - 1n }))).map(({ id }) => id)).toEqual([after[0]!.id]);
      await damaged.close();
      const { findings } = await checkSqliteLog(folder);
      const told = findings.map(({ place }) => place).join("\n");
      for (const page of chosen) expect(told).toMatch(new RegExp(`page ${page}\\b`, "i"));
    },
  );

  it.each(["streams", "sqlite_autoindex_streams_1", "heads", "marks", "events_by_id"])(
    "of %s hide no event and change none: what they said stands elsewhere, too",
    async (table) => {
      const folder = temporaryFolder();
      const log = await openSqliteLog(folder);
      for (let count = 0; count < 300; count++)
        await log.append(
          `default.order-${String(count).padStart(40, "0")}`,
          Array.from({ length: 2 }, () => anEvent({ count })),
          "any",
        );
      await log.append(
        "default.order-long",
        Array.from({ length: 1000 }, () => anEvent()),
        "any",
      );
      for (let from = 1000; from < size(2000, 5000); from += 1000)
        await log.append(
          "default.order-long",
          Array.from({ length: 1000 }, () => anEvent()),
          "any",
        );
      const good = await flat(log.readAll());
      await log.close();
      const leaves = treeOf(folder, table).filter(({ kind }) => kind === "leaf");
      spoil(folder, [leaves[Math.floor(leaves.length / 2)]!.page]);
      const damaged = await open(folder);
      expect(await flat(damaged.readAll())).toEqual(good);
      for (const [stream, its] of Map.groupBy(good.slice(1), (event) => event.stream))
        expect((await flat(damaged.readStream(stream))).map(place)).toEqual(its.map(place));
    },
  );

  /** A log of three streams that has lost a page in its middle, and a stored event of that page. */
  async function withLostPage() {
    const folder = temporaryFolder();
    const log = await openSqliteLog(folder);
    const append = (_: unknown, count: number) => log.append(`default.order-${count % 3}`, [anEvent({ note: "x".repeat(300) })], "any");
    await Promise.all(Array.from({ length: 500 }, append));
    const good = await flat(log.readAll());
    await log.close();
    const pages = pagesOf(folder).filter(({ kind }) => kind === "leaf");
    spoil(folder, [pages[Math.floor(pages.length / 2)]!.page]);
    const whole = await open(folder);
    const lost = (await flat(whole.readAll())).filter(({ damage }) => damage !== undefined);
    await whole.close();
    expect(lost.length).toBeGreaterThan(3);
    return { good, lost, log: await open(folder) };
  }

  /** Each is asked of a log of which nothing was read yet. */
  it("are met by a lane's own read before any other", async () => {
    const { good, lost, log } = await withLostPage();
    const { stream } = lost[0]!;
    const read = await flat(log.readStream(stream, { from: 10 }));
    expect(read.map(place)).toEqual(good.filter((event) => event.stream === stream && event.revision >= 10).map(place));
    expect(read.some(({ damage }) => damage !== undefined)).toBe(true);
  });

  it("are met by a look for ids before any other: the lost events are found, as damaged", async () => {
    const { good, lost, log } = await withLostPage();
    const ids = [good.at(-1)!.id, ...lost.map(({ id }) => id)];
    const found = await log.findByIds("default", ids);
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found.map(({ damage }) => damage?.detail)).toEqual([undefined, ...lost.map(({ damage }) => damage!.detail)]);
    expect(await log.findByIds("other", ids)).toEqual([]);
    expect(log.warnings?.().join()).toMatch(/LOG_DAMAGED.*position/);
  });

  it("are met by an append before any other: an event that stood there is not stored again, and the appends beside it are", async () => {
    const { good, lost, log } = await withLostPage();
    const repeated = (id: string) => log.append("default.order-new", [{ ...anEvent(), id }], "any").then(...outcome);
    const outcome = [() => "stored", (error: { code: string }) => error.code] as const;
    const beside = log.append("default.order-beside", [anEvent()], "none");
    const repeats = [...lost.map(({ id }) => repeated(id)), repeated(good.at(-1)!.id)];
    expect(await Promise.all(repeats)).toEqual([...lost.map(() => "LOG_DAMAGED"), "EVENT_ID_REUSED"]);
    expect(await beside).toMatchObject([{ revision: 0, position: good.at(-1)!.position + 1n }]);
    expect(await log.streamRevision("default.order-new")).toBe(-1);
  });

  it("are met by a truncation and by a stream's revision before any other", async () => {
    const { good, lost, log } = await withLostPage();
    const { stream } = lost[0]!;
    const last = good.findLast((event) => event.stream === stream)!;
    expect(await log.streamRevision(stream)).toBe(last.revision);
    await log.truncate(stream, 5);
    expect((await flat(log.readStream(stream))).map(place)).toEqual(good.filter((event) => event.stream === stream && event.revision >= 5).map(place));
  });
});

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number(), filler: z.string() }) });

it("a log above 64 MiB that loses a page stops the entities that have lost an event, and no other, for handlers new and old, and for the lists", {
  timeout: 120_000,
}, async () => {
  const seen = new Map<string, string[]>();
  const config = (names: readonly string[]) =>
    defineConfig({
      events: [placed],
      handlers: names.map((name) =>
        defineHandler({
          name,
          events: [placed],
          startFrom: "beginning",
          on: { "order.placed": async (event) => void seen.set(name, [...(seen.get(name) ?? []), `${event.entity.id} ${event.revision}`]) },
        }),
      ),
    });
  const folder = temporaryFolder();
  const store = await startStore(config(["ledger"]), folder);
  const append = (id: string, count: number, filler = "") =>
    store.append(Array.from({ length: count }, (_, n) => ({ type: "order.placed", entity: { type: "order", id }, data: { n, filler } })));
  for (let round = 0; round < 100; round++) {
    for (const id of ["a", "b", "c"]) await append(id, 3);
    await append("large", 1, "x".repeat(800_000));
  }
  await append("d", 40, "y".repeat(200));
  for (const id of ["a", "b", "c"]) await append(id, 3);
  await handlerShows(store, folder, "ledger", { waiting: 0 }, 60_000);
  const good = (await flat(await readOf(folder))).filter(({ tenant }) => tenant === "default");
  await store.close();

  const victim = leafWith(folder, good.find(({ entity, revision }) => entity.id === "a" && revision === 150)!.position);
  spoil(folder, [victim]);
  const again = await startStore(config(["ledger", "late"]), folder);
  for (const id of ["a", "b", "c", "d", "new"]) await again.append({ type: "order.placed", entity: { type: "order", id }, data: { n: 0, filler: "" } });
  await expect
    .poll(() => again.warnings().join(), { timeout: 30_000 })
    .toMatch(/log\.db is damaged \(LOG_DAMAGED\): the page with positions \d+ to \d+ cannot be read/);
  await expect.poll(() => again.notReady()).toBe(null);
  // Every event of an entity up to the first that it lost, and all of those that lost none.
  const log = await readOf(folder);
  const lost = (await flat(log)).filter(({ damage, tenant }) => damage !== undefined && tenant === "default");
  expect(lost.length).toBeGreaterThan(2);
  const firstLost = new Map([...lost].reverse().map(({ entity, revision }) => [entity.id, revision]));
  expect(firstLost.has("d")).toBe(false);
  const expected = [
    ...good.map(({ entity, revision }) => [entity.id, revision] as const),
    ...(["a", "b", "c", "d"] as const).map((id) => [id, good.filter(({ entity }) => entity.id === id).length] as const),
    ["new", 0] as const,
  ]
    .filter(([id, revision]) => revision < (firstLost.get(id) ?? Number.POSITIVE_INFINITY))
    .map(([id, revision]) => `${id} ${revision}`);
  await expect.poll(() => seen.get("late")?.length, { timeout: 60_000 }).toBe(expected.length);
  expect(new Set(seen.get("late"))).toEqual(new Set(expected));
  await expect.poll(() => seen.get("ledger")!.filter((one) => one === "new 0")).toEqual(["new 0"]);
  for (const [id, revision] of firstLost) {
    const late = async () => (await again.views.entity("default", { type: "order", id }))?.handlers.find(({ handler }) => handler === "late");
    await expect.poll(late).toMatchObject({
      laneState: "blocked",
      why: expect.stringMatching(/^LOG_DAMAGED: position \d+ .*cannot be read/),
    });
    const { events } = await again.readEntity({ type: "order", id }, { from: revision, limit: 1 });
    expect(events[0]!.dataError).toMatch(/LogDamaged: position/);
  }
});

/** Beside its owner. */
async function readOf(folder: string): Promise<AsyncIterable<readonly StoredEvent[]>> {
  const log = await openSqliteLogReadOnly(folder);
  onTestFinished(() => log.close());
  return log.readAll();
}

/** The leaf page of the table with a position: the one whose loss hides it. */
function leafWith(folder: string, position: bigint): number {
  const db = new DatabaseSync(join(folder, "log.db"));
  const leaves = db.prepare("select pageno from dbstat where name = 'events' and pagetype = 'leaf' order by path").all() as unknown as readonly {
    readonly pageno: number;
  }[];
  const bytes = readFileSync(db.location()!);
  db.close();
  let found = leaves[0]!.pageno;
  for (const { pageno } of leaves) {
    const at = (pageno - 1) * 4096;
    const [, behind] = varint(bytes, at + bytes.readUInt16BE(at + 8));
    if (varint(bytes, behind)[0] > Number(position)) break;
    found = pageno;
  }
  return found;
}

function varint(file: Buffer, at: number): readonly [number, number] {
  let value = 0;
  for (let index = at; ; index++) {
    value = value * 128 + (file[index]! & 127);
    if (file[index]! < 128) return [value, index + 1];
  }
}
