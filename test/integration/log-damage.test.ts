import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { isRepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { checkSqliteLog } from "../../src/log/sqlite/check.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Park and Miller's generator: the same places at every run. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

const streams = ["default.order-1", "default.order-2", "default.order-3", "shop.cart-7"];

async function aLog(events: number): Promise<string> {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  for (let count = 0; count < events; count++)
    await log.append(streams[count % streams.length]!, [{ ...anEvent(payload(count)), type: count % 3 === 0 ? "order.placed" : "order.paid" }], "any");
  await log.truncate("default.order-3", 5);
  await log.close();
  return folder;
}

/** Of many sizes, some over several pages. */
const payload = (count: number) => ({ count, note: "Grüße an alle. ".repeat((count * 7) % 40), large: count % 50 === 0 ? "x".repeat(9000) : "" });

interface Holding {
  readonly all: readonly StoredEvent[];
  readonly byStream: ReadonlyMap<string, readonly StoredEvent[]>;
}

async function read(log: EventLog): Promise<Holding> {
  const byStream = new Map<string, readonly StoredEvent[]>();
  for (const stream of streams) byStream.set(stream, await flat(log.readStream(stream)));
  for (let asked = streams; asked.length > 0; ) {
    const together = await log.readStreams!(asked.map((stream) => ({ stream, from: 0 })), 1000); // biome-ignore format: one line
    for (const [at, { events }] of together.entries()) expect(events).toEqual(byStream.get(asked[at]!)!.slice(0, events.length));
    asked = asked.slice(together.length);
  }
  return { all: await flat(log.readAll()), byStream };
}

/** What a reader was told: nothing other than what was stored, and of each event that it was or that it is damaged. */
function expectHonest(found: readonly StoredEvent[], good: readonly StoredEvent[], how: string): void {
  const revisions = (events: readonly StoredEvent[]) => events.map(({ stream, revision }) => `${stream} ${revision}`);
  expect(revisions(found), how).toEqual(revisions(good));
  for (const [index, event] of found.entries()) if (event.damage === undefined) expect(event, how).toEqual(good[index]);
}

describe("a link that leads from an event to a later one", () => {
  it("ends no read in a circle", async () => {
    const folder = await aLog(80);
    const db = new DatabaseSync(join(folder, "log.db"));
    const { changes } = db.prepare("update events set previous = position + 4 where position = 41").run();
    db.close();
    expect(changes).toBe(1);
    const log = await openSqliteLog(folder);
    const { all, byStream } = await read(log);
    await log.close();
    for (const stream of streams) expect(byStream.get(stream)).toEqual(all.filter((event) => event.stream === stream));
    expect(all.filter(({ damage }) => damage !== undefined)).toHaveLength(1);
  });
});

describe("single bits turned over in log.db", { timeout: 120_000 }, () => {
  it("are found, never change a payload, and hide no event without being told", async () => {
    const folder = await aLog(size(400, 1000, "REPRISE_FLIP_EVENTS"));
    const file = join(folder, "log.db");
    const whole = readFileSync(file);
    const good = await openAndRead(folder);
    const spoilt = temporaryFolder();
    const path = join(spoilt, "log.db");
    const random = makeRandom(Number(process.env.REPRISE_FLIP_SEED ?? 20_260_701));
    const outcomes = { harmless: 0, found: 0, refusedAtStart: 0, told: 0 };
    for (let round = 0; round < size(150, 2000, "REPRISE_FLIPS"); round++) {
      const bytes = Buffer.from(whole);
      const at = random(bytes.length);
      const bit = random(8);
      bytes[at]! ^= 1 << bit;
      mkdirSync(spoilt, { recursive: true });
      for (const ending of ["-wal", "-shm"]) if (round > 0) writeFileSync(path + ending, "");
      writeFileSync(path, bytes);
      const how = `round ${round}: bit ${bit} of byte ${at}`;
      const check = await checkSqliteLog(spoilt).catch((error: unknown) => {
        if (!isRepriseError(error, "LOG_FOREIGN", "LOG_NEWER")) throw error;
        return { findingsTotal: 1 };
      });
      const reading = await openAndRead(spoilt).catch((error: unknown) => {
        if (!isRepriseError(error, "LOG_DAMAGED", "LOG_FOREIGN", "LOG_NEWER")) throw new Error(how, { cause: error });
        return error;
      });
      if (check.findingsTotal > 0) outcomes.found++;
      if (reading instanceof Error) {
        outcomes.refusedAtStart++;
        expect(check.findingsTotal, `${how} was refused, and not found: ${reading.message}`).toBeGreaterThan(0);
        continue;
      }
      expectHonest(reading.all, good.all, how);
      for (const stream of streams) expectHonest(reading.byStream.get(stream)!, good.byStream.get(stream)!, how);
      const told = reading.all.some(({ damage }) => damage !== undefined);
      if (told) outcomes.told++;
      if (told) expect(check.findingsTotal, `${how} was told by a read, and not found`).toBeGreaterThan(0);
      if (check.findingsTotal === 0) outcomes.harmless++;
    }
    console.log(outcomes);
    expect(outcomes.found).toBeGreaterThan(100);
  });

  async function openAndRead(folder: string): Promise<Holding> {
    const log = await openSqliteLog(folder);
    try {
      return await read(log);
    } finally {
      await log.close();
    }
  }
});

describe("pages of log.db that SQLite cannot read", () => {
  it("are told by log check, with the positions and the streams that they held, and hide nothing behind them", async () => {
    const folder = await aLog(400);
    const file = join(folder, "log.db");
    const db = new DatabaseSync(file);
    db.exec(`update events set data = '{"other":1}' where position = 390`);
    const [{ page, first, last }] = leafOf(db, 200) as [Leaf];
    const { tree } = db.prepare("select rootpage as tree from sqlite_schema where name = 'events'").get() as { readonly tree: number };
    db.close();
    const whole = readFileSync(file);
    whole.fill(0xfe, (page - 1) * 4096, (page - 1) * 4096 + 64);
    writeFileSync(file, whole);
    const { events, findings } = await checkSqliteLog(folder);
    const places = findings.map(({ place }) => place);
    expect(places).toContain(`page ${page} of tree ${tree}`);
    expect(places).toContain(first === last ? `position ${first}` : `positions ${first} to ${last}`);
    expect(places.some((place) => place.startsWith("position 390 ("))).toBe(true); // behind it
    const held = new Set(Array.from({ length: last - first + 1 }, (_, index) => streams[(first - 2 + index) % streams.length]!));
    for (const stream of held) expect(places).toContain(`stream ${stream}`);
    expect(events).toBe(401 - 5 - (last - first + 1)); // 5 truncated
  });
});

interface Leaf {
  readonly page: number;
  readonly first: number;
  readonly last: number;
}

/** The page of the table that holds this position, and what else it holds: a cell is the payload's length, then the row's number. */
function leafOf(db: DatabaseSync, position: number): readonly Leaf[] {
  const pages = db.prepare("select pageno from dbstat where name = 'events' and pagetype = 'leaf'").all() as unknown as readonly { readonly pageno: number }[];
  const file = readFileSync(db.location()!);
  return pages.flatMap(({ pageno: page }) => {
    const at = (page - 1) * 4096;
    const cells = file.readUInt16BE(at + 3);
    const numbers = Array.from({ length: cells }, (_, cell) => {
      const [, behind] = varint(file, at + file.readUInt16BE(at + 8 + 2 * cell));
      return varint(file, behind)[0];
    });
    const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
    return first <= position && position <= last ? [{ page, first, last }] : [];
  });
}

function varint(file: Buffer, at: number): readonly [number, number] {
  let value = 0;
  for (let place = at; ; place++) {
    value = value * 128 + (file[place]! & 127);
    if (file[place]! < 128) return [value, place + 1];
  }
}
