/** What the views count as they go, beside a count of the rows by force. */
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { handlerStream } from "../../src/event/names.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { openDatabase, type ViewDatabase } from "../../src/views/database.ts";
import { openViewStore } from "../../src/views/store.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { deadLettered, makeViewsFixture, progress } from "../support/views-fixture.ts";
import { makeDice, makeHistory, ordersCatalog } from "../support/views-history.ts";

const setups = [
  { name: "ledger", ordering: "strict", types: ["order.placed", "order.paid"], fromNow: false },
  { name: "mailer", ordering: "relaxed", types: ["order.placed"], fromNow: false, partitions: 3 },
  { name: "stats", ordering: "strict", types: ["order.noted", "order.placed"], fromNow: true, partitions: 2 },
] as const;

const kind = `(l.paused | (l.why is not null) * 2 | (l.letters > 0) * 4 | (l.retry_at is not null) * 8 | l.detached * 16 | (l.counted is not null) * 32)`;
/** What waits in a lane, found by its revisions. */
const waiting = `from events e join handler_types t on t.handler = l.handler and t.type = e.type and t.since < e.position where e.entity = l.entity and e.revision >= l.next
  and not exists (select 1 from deliveries d where d.entity = e.entity and d.revision = e.revision and d.handler = l.handler)
  and not exists (select 1 from gaps g where g.entity = e.entity and g.handler = l.handler and e.revision between g.first and g.last)`;

/** Each count as it is kept, and as the rows give it. */
const counts = {
  "dead letters by kind": [
    "select tenant, handler, entity_type, type, iif(has_source, source, null) as source, cause, error_type, error_message, error_group, letters as count from letter_counts",
    `select tenant, handler, entity_type, type, source, cause, error_type, error_message, error_group, count(*) as count from deliveries
       where letter = 1 and status <> 'failed' group by 1, 2, 3, 4, 5, 6, 7, 8, 9`,
  ],
  "deliveries by status": [
    "select handler, tenant, type, status, deliveries as count from delivery_counts",
    "select handler, tenant, type, status, count(*) as count from deliveries group by 1, 2, 3, 4",
  ],
  "entities by the types of their events": [
    "select tenant, types, entities as count from type_sets",
    `select tenant, types, count(*) as count from (select n.tenant,
       (select json_group_array(type) from (select type from entity_types t where t.entity = n.id order by type)) as types from entities n) where types <> '[]' group by 1, 2`,
  ],
  "sets of types that entities say they have": [
    "select n.tenant, s.types, count(*) as count from entities n join type_sets s on s.id = n.type_set group by 1, 2",
    "select tenant, types, entities as count from type_sets",
  ],
  "dead letters of error groups": [
    "select tenant, handler, fingerprint, waiting as count from error_groups",
    `select tenant, handler, fingerprint, (select count(*) from deliveries d where d.letter = 1 and d.status <> 'failed' and d.tenant = g.tenant
       and d.handler = g.handler and d.error_group = g.fingerprint) as count from error_groups g`,
  ],
  "dead letters of lanes, retried ones among them": [
    "select entity, handler, letters as count from lanes where letters <> 0",
    "select entity, handler, count(*) as count from deliveries where letter = 1 group by entity, handler",
  ],
  "lanes that are alike, and what waits in those that stand still": [
    "select handler, tenant, kind, lanes as count, waiting from lane_counts",
    `select handler, tenant, ${kind} as kind, count(*) as count, sum(iif(l.counted is null, 0, (select count(*) ${waiting}))) as waiting from lanes l group by 1, 2, 3`,
  ],
  "the first that waits in a lane": [
    "select entity, handler, first_ms as count from lanes where counted is not null",
    `select entity, handler, (select min(e.recorded_ms) ${waiting}) as count from lanes l where counted is not null`,
  ],
} as const;

function compare(db: ViewDatabase): number {
  const sorted = (sql: string) =>
    db
      .all<{ count: number }>(sql)
      .map((row) => JSON.stringify(row))
      .sort();
  for (const [what, [kept, byForce]] of Object.entries(counts)) expect(sorted(kept), what).toEqual(sorted(byForce));
  return sorted(counts["dead letters by kind"][0]).length;
}

const waitingIn = (db: ViewDatabase): number => db.get<{ waiting: number | null }>("select sum(waiting) as waiting from lane_counts")!.waiting ?? 0;

it("dead letters, lanes and what waits in them are counted as the rows have them after each batch of a random history, and none is when their handler is retired (property)", async () => {
  const folder = temporaryFolder();
  let run = 0;
  let most = 0;
  let mostWaiting = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const dice = makeDice(seed);
      const log = openMemoryLog();
      const history = makeHistory(log, dice, setups);
      for (let left = 200 + dice(200); left > 0; left--) await history.step();
      await history.flushAll();
      const retired = { act: { actor: "ann", reason: "gone" }, at: "0", waiting: 0 };
      for (const { name } of setups) await log.append(handlerStream(name), [ownEvent(newId, "handler.retired", retired)], "any");
      const store = openViewStore(join(folder, `${++run}.db`), log.logId, ordersCatalog);
      let events: StoredEvent[] = [];
      for await (const batch of log.readAll()) events.push(...batch);
      while (events.length > 0) {
        const size = 1 + dice(60);
        events = events.slice(store.fold(events, (folded) => folded >= size));
        most = Math.max(most, compare(store.db));
        mostWaiting = Math.max(mostWaiting, waitingIn(store.db));
      }
      expect(compare(store.db)).toBe(0);
      store.close();
    }),
    { numRuns: size(15, 60) },
  );
  expect(most).toBeGreaterThan(0);
  expect(mostWaiting).toBeGreaterThan(10);
}, 60_000);

it("entities are counted for a handler one by one where a tenant has events of its types in too many combinations", async () => {
  const { append, configure, open, file } = makeViewsFixture();
  await configure("ledger", { types: { "order.t7": "0", "order.paid": "0" }, stored: { "order.t7": "0", "order.paid": "0" } });
  const data = { total: 1 };
  for (let n = 0; n < 1020; n++) await append(`default.order-${n}`, { type: `order.t${n}`, data });
  await append("default.order-1015", { type: "order.t7", data });
  await append("mill.order-1", { type: "order.paid", data });
  await append("mill.order-2", { type: "order.noted", data });
  const views = await open();
  const flowing = async (tenant: string) => (await views.handlers(tenant))[0]!.lanes;
  const none = { backing_off: 0, blocked: 0, paused: 0, stuck: 0 };
  for (const [tenant, lanes] of [
    ["default", 2],
    ["mill", 1],
    ["*", 3],
  ] as const)
    expect([tenant, await flowing(tenant)]).toEqual([tenant, { ...none, flowing: lanes, behind: 0 }]);
  const db = openDatabase(file);
  const further = db.get<{ sets: number; entities: number }>(
    "select count(*) as sets, max(iif(types = 'null', entities, 0)) as entities from type_sets where tenant = 'default'",
  )!;
  db.close();
  expect(further.sets).toBeLessThan(1010);
  expect(further.entities).toBe(1021 - further.sets);
});

it("a look at the handlers walks neither their dead letters nor the entities", async () => {
  const { paid, journal, configure, open, log } = makeViewsFixture();
  await configure("ledger", { types: { "order.paid": "0" }, stored: { "order.paid": "0" } });
  const letters: StoredEvent[] = [];
  for (let n = 0; n < 30; n++) letters.push((await paid(`default.order-${n}`, 2))[0]!);
  const entries = letters.map((letter) => deadLettered(letter));
  await journal("ledger", ...entries, progress(await log.head()));
  let seen: string[] = [];
  const views = await open({ watch: (sql) => void seen.push(sql) });
  for (const of of ["default", "*"]) {
    seen = [];
    expect(await views.handlers(of)).toMatchObject([{ byStatus: { dead_lettered: 30, held: 30 }, lanes: { blocked: 30, flowing: 0 } }]);
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.filter((sql) => /\bentity_types\b|from entities|count\(\*\).*from deliveries/.test(sql))).toEqual([]);
  }
});
