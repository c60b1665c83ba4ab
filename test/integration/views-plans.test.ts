/** Every statement on the rows of a large log, for each filter and each two of them: which rows it looks at, and what it takes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { everyTenant } from "../../src/event/names.ts";
import { openDatabase } from "../../src/views/database.ts";
import { deliveryStatuses } from "../../src/views/model/delivery.ts";
import { shownLaneStates } from "../../src/views/model/entity.ts";
import { escalationStatuses } from "../../src/views/model/escalation.ts";
import { refreshWanted } from "../../src/views/projections/handlers.ts";
import { largeCatalog, openLargeLog } from "../support/large-log.ts";
import { size } from "../support/sizes.ts";

const tenant = "default";
/** One with few events, and all. */
const others = ["mill", everyTenant];
const events = size(20_000, 100_000);
/** Of the thread's own time, the best of three: 2,000 rows take 2 to 8 ms, all of 100,000 more than 50. Of few rows only SQLite's program tells, below. */
const statementMs = 25;

interface Statement {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
  readonly ms: number;
}

/** By text: the call that took longest, measured again by itself. */
const statements = new Map<string, Statement>();
let scene: Awaited<ReturnType<typeof openLargeLog>>;
let folder: string;
/** The fingerprint of most of the dead letters. */
let group: string;
let recording = false;
/** What was called and not measured yet. */
let called: { readonly sql: string; readonly parameters: readonly SQLInputValue[] }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reprise-"));
  scene = await openLargeLog(folder, events, {
    watch: (sql, parameters) => {
      if (recording && !/^\s*(insert|update|delete)/i.test(sql)) called.push({ sql, parameters });
    },
  });
  group = (await scene.views.errorGroups({ tenant, handler: "relaxed" }, { limit: 1 })).groups[0]!.fingerprint;
}, 180_000);
afterAll(async () => {
  await scene?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One connection that only looks. */
let measuring: ReturnType<typeof openDatabase> | null = null;
function measured(): readonly Statement[] {
  if (measuring === null) {
    measuring = openDatabase(scene.file);
    refreshWanted(measuring, largeCatalog);
  }
  const db = measuring;
  const seen = new Map<string, { readonly sql: string; readonly parameters: readonly SQLInputValue[] }[]>();
  for (const call of called) seen.set(call.sql, [...(seen.get(call.sql) ?? []).slice(-2), call]); // of each text the last ones: steps differ little
  called = [];
  const found: Statement[] = [];
  for (const calls of seen.values())
    for (const { sql, parameters } of calls) {
      let ms = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 3 && ms > statementMs / 4; run++)
        ms = Math.min(
          ms,
          threadMs(() => db.all(sql, ...parameters)),
        );
      const known = statements.get(sql);
      const statement = { sql, parameters, ms };
      if (known === undefined || known.ms < ms) statements.set(sql, statement);
      found.push(statement);
    }
  return found;
}

function threadMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

async function slow(work: () => Promise<unknown>): Promise<readonly string[]> {
  recording = true;
  await work();
  recording = false;
  return measured().flatMap(({ sql, ms }) => (ms > statementMs ? [`${Math.round(ms)} ms: ${sql}`] : []));
}

/** Each by itself, and each two together. */
function combined<T extends object>(filters: readonly T[]): readonly T[] {
  const pairs = filters.flatMap((one, index) =>
    filters.slice(index + 1).flatMap((other) => (Object.keys(one).some((name) => name in other) ? [] : [{ ...one, ...other }])),
  );
  return [{} as T, ...filters, ...pairs];
}

const sinceMs = Date.now() - 3_600_000;
const eventFilters = () => [
  ...[{ eventType: "order.paid" }, { eventType: "order.placed" }, { eventType: "order.rare" }, { eventType: "order.never" }],
  ...[{ source: "shop" }, { source: "rare" }, { entityType: "order" }, { entityType: "cart" }, { entityId: "big" }, { entityId: "7" }, { entityId: "none" }],
  ...[{ correlationId: "flow" }, { correlationId: "rare" }, { sinceMs }, { sinceMs: 9e12 }, { untilMs: 9e12 }, { untilMs: 1 }],
  ...[{ handler: "strict" }, { handler: "relaxed" }, { handler: "late" }, { handler: "nobody" }],
];
const letterFilters = () => [
  ...[
    { eventType: "order.paid" },
    { eventType: "order.rare" },
    { source: "shop" },
    { source: "rare" },
    { handler: "relaxed" },
    { handler: "strict" },
    { handler: "nobody" },
  ],
  ...[
    { entityType: "order" },
    { entityType: "cart" },
    { entityId: "big" },
    { entityId: "7" },
    { escalated: 0 as const },
    { cause: "exhausted" as const },
    { cause: "crash" as const },
  ],
  ...[{ error: "HttpError" }, { error: "HttpError: no" }, { error: `HttpError: no stock for ${scene.replayed.id}` }, { error: "Never" }],
  ...[{ errorGroup: group }, { errorGroup: "v1:never" }, { errorLike: "no stock" }, { errorLike: "never" }],
  ...[{ replayId: scene.replayId }, { replayId: newId() }, { sinceMs }, { sinceMs: 9e12 }, { untilMs: 9e12 }, { untilMs: 1 }],
];

describe(`on a log of ${events} events`, () => {
  it("events by each filter and status", async () => {
    const filters = [
      ...combined(eventFilters()),
      ...deliveryStatuses.flatMap((status) => eventFilters().map((filter) => ({ status, ...filter }))),
      ...deliveryStatuses.map((status) => ({ status })),
    ];
    expect(
      await slow(async () => {
        for (const filter of filters) {
          const { nextCursor } = await scene.views.events({ tenant, ...filter }, { limit: 2 });
          if (nextCursor !== null) await scene.views.events({ tenant, ...filter }, { limit: 2, cursor: nextCursor });
        }
        for (const filter of [...eventFilters(), ...deliveryStatuses.map((status) => ({ status }))])
          for (const of of others) await scene.views.events({ tenant: of, ...filter }, { limit: 2 });
      }),
    ).toEqual([]);
  }, 600_000);

  it("dead letters by each filter: lists, counts, the oldest, statistics", async () => {
    expect(
      await slow(async () => {
        for (const filter of combined(letterFilters())) {
          const of = { tenant, ...filter };
          const { nextCursor } = await scene.views.deadLetters(of, { limit: 2, data: false });
          if (nextCursor !== null) await scene.views.deadLetters(of, { limit: 2, cursor: nextCursor, data: false });
          await scene.views.oldestDeadLetters(of, 2);
        }
        for (const filter of [{}, ...letterFilters()])
          for (const tenant of others) {
            await scene.views.deadLetters({ tenant, ...filter }, { limit: 2, data: false });
            await scene.views.deadLetterStats({ tenant, ...filter });
          }
        for (const filter of [{}, ...letterFilters()]) {
          const of = { tenant, ...filter };
          await scene.views.deadLetterStats(of);
          await scene.views.deadLetters(of, { limit: 2, offset: events / 20, data: false });
          await scene.views.deadLettersSince(of, ["relaxed", "strict"], 0n, newId());
        }
      }),
    ).toEqual([]);
  }, 600_000);

  it("error groups by each filter", async () => {
    const filters = combined([
      ...[{ state: "open" as const }, { state: "ignored" as const }, { handler: "relaxed" }, { handler: "nobody" }, { eventType: "order.paid" }],
      ...[{ errorLike: "no stock" }, { sinceMs }, { untilMs: 9e12 }],
    ]);
    expect(
      await slow(async () => {
        for (const of of [tenant, ...others]) {
          for (const filter of filters) await scene.views.errorGroups({ tenant: of, ...filter }, { limit: 2 });
          await scene.views.findErrorGroups(of, group);
        }
        for (const handler of ["relaxed", "strict"]) await scene.views.errorGroup({ tenant, handler, fingerprint: group });
      }),
    ).toEqual([]);
  }, 600_000);

  it("escalations by each filter, and what is due", async () => {
    const filters = combined([...escalationStatuses.map((status) => ({ status })), { handler: "strict" }, { handler: "nobody" }, { deliveryId: newId() }]);
    expect(
      await slow(async () => {
        for (const of of [tenant, ...others]) {
          for (const filter of filters) await scene.views.escalations({ tenant: of, ...filter }, { limit: 2 });
          await scene.views.escalation(of, newId());
          await scene.views.openEscalations(of);
          await scene.views.dueEscalations(of, "2999-01-01T00:00:00.000Z", 10);
        }
      }),
    ).toEqual([]);
  }, 600_000);

  it("look-ups by id, entities, history, handlers and replays", async () => {
    const unknown = Array.from({ length: 2000 }, () => newId());
    expect(
      await slow(async () => {
        const { views, ids, letter } = scene;
        views.locate(tenant, unknown);
        views.locate(tenant, ids);
        await views.deadLettersOf(tenant, unknown);
        await views.deadLettersOf(tenant, ids);
        for (const id of [letter.id, unknown[0]!]) {
          await views.findDeadLetters(tenant, id);
          await views.event(tenant, id);
          await views.deliveriesOf(tenant, id);
        }
        for (const entity of [letter.entity, { type: "order", id: "7" }, { type: "order", id: "none" }]) await views.entity(tenant, entity);
        for (const laneState of [undefined, ...shownLaneStates])
          for (const handler of [undefined, "strict", "relaxed", "nobody"])
            for (const entityType of [undefined, "order", "cart"]) {
              const filter = Object.fromEntries(Object.entries({ laneState, handler, entityType }).filter(([, value]) => value !== undefined));
              await views.entities({ tenant, ...filter }, { limit: 2 });
              for (const other of others) await views.entities({ tenant: other, ...filter }, { limit: 2 });
            }
        await views.heldLanes([
          { handler: "strict", stream: letter.stream },
          { handler: "relaxed", stream: letter.stream },
        ]);
        for (const more of combined([
          { entityType: "order" },
          { entityId: "big" },
          { sinceMs },
          { untilMs: 9e12 },
          { fromPosition: BigInt(events / 2) },
          { toPosition: BigInt(events - events / 10) },
        ]))
          for (const types of [["order.paid"], ["order.rare"], ["order.placed", "order.paid", "order.rare"]])
            await views.history({ tenant, handler: "strict", types, ...more }, 100);
        for (const of of [tenant, ...others]) {
          await views.handlers(of);
          await views.replays(of, { limit: 2 });
        }
        await views.replay(tenant, scene.replayId);
        await views.replayOutcomes(tenant, scene.replayId);
        await views.replayOutcome(tenant, scene.replayId, { handler: "relaxed", stream: letter.stream, revision: 0 });
        await views.ownOutcomes(tenant, scene.replayId, 0, 10);
        await views.openReplays();
      }),
    ).toEqual([]);
  }, 600_000);

  it("walks no table to its end: a loop over all of it ends by its limit, which counts each row that it looks at", () => {
    const db = new DatabaseSync(scene.file);
    db.exec("create temp table wanted(handler text not null, type text not null, since integer not null, primary key (handler, type)) without rowid");
    db.exec("create index temp.wanted_by_type on wanted(type)");
    const walks = [...statements.keys()].flatMap((sql) => unboundedWalks(db, sql).map((table) => `${table}: ${sql}`));
    db.close();
    expect(statements.size).toBeGreaterThan(100);
    expect(walks).toEqual([]);
  });

  it("finds a walk that a limit does not end", () => {
    const db = new DatabaseSync(scene.file);
    const walksOf = (sql: string) => unboundedWalks(db, sql);
    expect(walksOf("select position from events order by position limit 2000")).toEqual([]);
    expect(
      walksOf("select count(*) from (select position from events not indexed where position > 5 order by position limit 2000) where position > 9"),
    ).toEqual([]);
    expect(walksOf("select position from events where revision = 3 order by position limit 2")).toEqual(["events"]);
    expect(walksOf("select position from events order by revision limit 2")).toEqual(["events"]);
    expect(walksOf("select count(*) from events not indexed")).toEqual(["events"]);
    expect(walksOf("select position from events where position > 5 and revision = 3 order by position limit 2")).toEqual(["events"]);
    expect(walksOf("select min(first_position) from minutes where minute >= 5")).toEqual(["minutes"]);
    expect(walksOf("select max(last_position) from minutes where minute <= 5")).toEqual(["minutes"]);
    expect(walksOf("select max(last_position) from minutes where minute between 5 and 9")).toEqual([]);
    expect(walksOf("select e.position from events e join entities n on n.id = e.entity and n.stream = 'x' order by e.position limit 1")).not.toEqual(["none"]);
    db.close();
  });
});

/** Of these there are few rows; of days one for each day. */
const small = ["handlers", "handler_types", "meta", "types", "days"];

/**
 * Tables that a statement may walk to their end, by the program that SQLite makes of it. A loop over all of a table ends early only by a limit that counts in
 * it, and not where it passes over a row (a jump to its own next step): the limit then waits for rows that may not be there.
 */
function unboundedWalks(db: DatabaseSync, sql: string): readonly string[] {
  const program = db.prepare(`explain ${sql}`).all() as unknown as readonly {
    readonly addr: number;
    readonly opcode: string;
    readonly p1: number;
    readonly p2: number;
    readonly p3: number;
  }[];
  const tables = new Map<number, string>();
  for (const { name, root } of db.prepare("select tbl_name as name, rootpage as root from sqlite_schema where rootpage > 0").all() as unknown as readonly {
    readonly name: string;
    readonly root: number;
  }[])
    tables.set(root, name);
  return program.flatMap((start) => {
    const fromItsEnd = start.opcode === "Rewind" || start.opcode === "Last" || start.opcode === "Count";
    if (!fromItsEnd && !/^Seek[GL][TE]$/.test(start.opcode)) return [];
    const opened = program.find(({ opcode, p1 }) => opcode === "OpenRead" && p1 === start.p1);
    const table = opened === undefined || opened.p3 !== 0 ? undefined : tables.get(opened.p2);
    if (table === undefined || small.includes(table)) return [];
    if (start.opcode === "Count") return [table];
    const step = program.find(({ opcode, p1, p2 }) => (opcode === "Next" || opcode === "Prev") && p1 === start.p1 && p2 > start.addr);
    if (step === undefined) return []; // one row: its first or its last
    const body = program.slice(start.addr + 1, step.addr);
    const counts = body.some(({ opcode }) => opcode === "DecrJumpZero");
    const passesOver = body.some(({ opcode, p2 }) => p2 === step.addr && opcode !== "Goto");
    if (counts && !passesOver) return [];
    // A part of it, between two keys, is what its statement was made for.
    const ends = body.some(({ opcode, p2 }) => opcode !== "DecrJumpZero" && p2 > step.addr);
    return !fromItsEnd && ends ? [] : [table];
  });
}
