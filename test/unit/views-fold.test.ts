import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { everyTenant } from "../../src/event/names.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { openDatabase } from "../../src/views/database.ts";
import { cachedEntities, type EntityKeys } from "../../src/views/entity-cache.ts";
import { type DeliveryStatus, deliveryStatuses } from "../../src/views/model/delivery.ts";
import { shownLaneStates } from "../../src/views/model/entity.ts";
import { type EscalationFilter, escalationStatuses } from "../../src/views/model/escalation.ts";
import { openViews } from "../../src/views/open-views.ts";
import { openViewStore } from "../../src/views/store.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type Dice, type History, makeDice, makeHistory, ordersCatalog } from "../support/views-history.ts";
import { rowsOf } from "../support/views-rows.ts";

const setups = [
  { name: "ledger", ordering: "strict", types: ["order.placed", "order.paid"], fromNow: false },
  { name: "mailer", ordering: "relaxed", types: ["order.placed"], fromNow: false, partitions: 3 },
  { name: "stats", ordering: "strict", types: ["order.noted", "order.placed"], fromNow: true, partitions: 2 },
] as const;

async function makeLog(dice: Dice, others?: readonly string[]) {
  let nowMs = Date.UTC(2026, 0, 1);
  const log = openMemoryLog({ clock: { now: () => (nowMs += dice(900)) }, logId: "11111111-1111-4111-8111-111111111111" });
  const history = makeHistory(log, dice, setups, others);
  for (let left = 120 + dice(200); left > 0; left--) await history.step();
  await history.flushAll();
  const events: StoredEvent[] = [];
  for await (const batch of log.readAll()) events.push(...batch);
  return { log, history, events };
}

/** Folds in batches of random size, now and then closing and opening the file again. */
function foldPiecewise(file: string, logId: string, events: readonly StoredEvent[], dice: Dice): void {
  let store = openViewStore(file, logId, ordersCatalog);
  for (let rest = events; rest.length > 0; ) {
    const size = 1 + dice(30);
    const folded = store.fold(rest.slice(0, 1 + dice(60)), (folded) => folded >= size);
    rest = rest.slice(folded);
    if (dice(8) > 0) continue;
    store.close();
    store = openViewStore(file, logId, ordersCatalog);
    expect(store.position()).toBe(events[events.length - rest.length - 1]!.position);
  }
  store.close();
}

/** Others take the room of all that were asked for lately. */
function evictAll(entities: EntityKeys): void {
  for (let other = 0; other < cachedEntities; other++)
    entities.set(`other-${other}`, { id: 1_000_000 + other, tenant: "", type: "", revision: -1, position: 0, lastType: null, typeSet: null, pending: null });
}

/** Folds as a rebuild does, in transactions over many batches, some of which fail and are folded again from the position that was committed. */
function foldAnew(file: string, logId: string, events: readonly StoredEvent[], dice: Dice): void {
  const store = openViewStore(file, logId, ordersCatalog, "rebuild");
  for (let at = 0; at < events.length; ) {
    const size = 1 + dice(30);
    if (dice(6) === 0 && at < events.length - 1) {
      const fails = () => {
        throw new Error("the disk");
      };
      expect(() => store.fold(events.slice(at), fails)).toThrow("the disk");
      at = events.findIndex(({ position }) => position > store.position());
      continue;
    }
    at += store.fold(events.slice(at), (folded) => folded >= size);
    if (dice(5) === 0) evictAll(store.db.entities);
    if (dice(3) === 0) store.settle();
    expect(store.position() === events[at - 1]!.position).toBe(store.isSettled());
  }
  store.settle();
  store.close();
}

describe("the rows of a random history (property)", () => {
  it("are the same however the log is cut into batches, over restarts, and when they are built anew", async () => {
    const folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const dice = makeDice(seed);
        const { log, events } = await makeLog(dice);
        const whole = join(folder, `${++run}-whole.db`);
        const store = openViewStore(whole, log.logId, ordersCatalog);
        expect(store.fold(events, () => false)).toBe(events.length);
        store.close();
        const pieces = join(folder, `${run}-pieces.db`);
        foldPiecewise(pieces, log.logId, events, dice);
        expect(rowsOf(pieces)).toEqual(rowsOf(whole));
        const anew = join(folder, `${run}-anew.db`);
        foldAnew(anew, log.logId, events, dice);
        expect(rowsOf(anew)).toEqual(rowsOf(whole));
      }),
      { numRuns: size(15, 40) },
    );
  }, 60_000);

  const crowd = Array.from({ length: 30 }, (_, index) => `tenant_${index}`);
  it.each([
    { tenants: "two tenants", others: undefined, numRuns: size(10, 40) },
    { tenants: "more tenants than a statement has parts for", others: crowd, numRuns: size(4, 12) },
  ])(
    "answer every query as counting over the log does, of one tenant and of all: $tenants",
    async ({ others, numRuns }) => {
      const folder = temporaryFolder();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const { log, history, events } = await makeLog(makeDice(seed), others);
          const file = join(folder, `${++run}.db`);
          const store = openViewStore(file, log.logId, ordersCatalog);
          store.fold(events, () => false);
          store.close();
          const views = await openViews({
            file,
            log,
            catalog: ordersCatalog,
            clock: systemClock,
            running: { running: () => [], condition: () => ({ state: "running", fault: null }) },
          });
          await checkDeliveries(views, history);
          for (const tenant of ["default", others?.[0] ?? "mill", everyTenant]) {
            await checkHandlers(views, history, tenant);
            await checkLanes(views, history, tenant);
            await checkEvents(views, history, tenant);
            await checkDeadLetters(views, history, tenant);
            await checkEscalations(views, history, tenant);
          }
          await checkEntities(views, history);
          await views.close();
        }),
        { numRuns },
      );
    },
    60_000,
  );
});

describe("a fold", () => {
  it("looks at one delivery by its whole key, or at those that wait for a retry: never at all that an entity ever had trouble with", async () => {
    const file = join(temporaryFolder(), "views.db");
    const texts = new Set<string>();
    for (let seed = 0; seed < 30; seed++) {
      const { log, events } = await makeLog(makeDice(seed));
      const store = openViewStore(`${file}-${seed}`, log.logId, ordersCatalog, "live", (sql) => texts.add(sql));
      store.fold(events, () => false);
      store.close();
    }
    const db = openDatabase(`${file}-0`);
    const searches = [...texts].flatMap((sql) =>
      /\b(from|update|into) deliveries\b/.test(sql)
        ? db.all<{ detail: string }>(`explain query plan ${sql}`, ...Array(sql.split("?").length - 1).fill(null)).map(({ detail }) => ({ sql, detail }))
        : [],
    );
    db.close();
    for (const told of ["'completed', attempts = attempts + 1", "'skipped'", "next_attempt_at > ?"])
      expect(
        searches.some(({ sql }) => sql.includes(told)),
        told,
      ).toBe(true);
    const wide = searches.filter(
      ({ detail }) =>
        /\bdeliveries\b/.test(detail) && !/entity=\? AND revision=\? AND handler=\?|retries_by_lane|letters_retried|deliveries_by_handler/.test(detail),
    );
    expect(wide).toEqual([]);
  });
});

type Views = Awaited<ReturnType<typeof openViews>>;

function wantedOf(history: History, name: string, of: readonly StoredEvent[] = history.events): readonly StoredEvent[] {
  const handler = history.handlers.find((each) => each.name === name)!;
  return of.filter((event) => history.wants(handler, event));
}

const isDone = (status: DeliveryStatus) => ["completed", "replayed", "discarded", "skipped"].includes(status);

async function checkDeliveries(views: Views, history: History): Promise<void> {
  for (const event of history.events) {
    const expected = history.handlers
      .filter((handler) => history.wants(handler, event))
      .map((handler) => {
        const status = history.statusOf(handler, event);
        return { handler: handler.name, status, attempts: handler.attempts.get(`${event.stream}\n${event.revision}`) ?? 0 };
      });
    const shown = await views.event(event.tenant, event.id);
    expect(shown?.deliveries.map(({ handler, status, attempts }) => ({ handler, status, attempts }))).toEqual(expected);
    for (const { status, processedAt, history: attempts } of shown!.deliveries) {
      expect(processedAt !== null, `${status} has a time`).toBe(isDone(status));
      if (processedAt !== null) expect(processedAt > event.recordedAt).toBe(true);
      expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map(({ attempt }) => attempt).toSorted((a, b) => b - a));
    }
  }
}

/** The events of one tenant, or of all. */
function eventsOf({ events }: History, tenant: string): readonly StoredEvent[] {
  return events.filter((event) => tenant === everyTenant || event.tenant === tenant);
}

async function checkEvents(views: Views, history: History, tenant: string): Promise<void> {
  const events = eventsOf(history, tenant);
  const has = (event: StoredEvent, status: DeliveryStatus, name?: string) =>
    history.handlers.some((handler) => (name ?? handler.name) === handler.name && history.wants(handler, event) && history.statusOf(handler, event) === status);
  const filters = [
    { filter: {}, matches: () => true },
    { filter: { source: "shop" }, matches: ({ source }: StoredEvent) => source === "shop" },
    { filter: { eventType: "order.paid" }, matches: ({ type }: StoredEvent) => type === "order.paid" },
    { filter: { entityType: "cart" }, matches: ({ entity }: StoredEvent) => entity.type === "cart" },
    { filter: { entityId: "1" }, matches: ({ entity }: StoredEvent) => entity.id === "1" },
    {
      filter: { correlationId: "flow-1", source: "agent" },
      matches: ({ metadata, source }: StoredEvent) => metadata.correlationId === "flow-1" && source === "agent",
    },
    ...deliveryStatuses.map((status) => ({ filter: { status }, matches: (event: StoredEvent) => has(event, status) })),
    ...deliveryStatuses.map((status) => ({ filter: { status, handler: "ledger" }, matches: (event: StoredEvent) => has(event, status, "ledger") })),
  ];
  for (const { filter, matches } of filters) {
    const shown = await allPages(
      async (cursor) => views.events({ tenant, ...filter }, { limit: 30, ...cursor }),
      ({ id, tenant: owner, entity }) => `${owner} ${entity.type} ${id}`,
    );
    expect(shown, `${tenant} ${JSON.stringify(filter)}`).toEqual(
      events
        .filter(matches)
        .toReversed()
        .map(({ id, tenant: owner, entity }) => `${owner} ${entity.type} ${id}`),
    );
  }
}

/** Every page of a list, one after another. */
async function allPages<T, N = string>(
  page: (cursor: { readonly cursor?: string }) => Promise<{ readonly events: readonly T[]; readonly nextCursor: string | null }>,
  name: (item: T) => N,
): Promise<readonly N[]> {
  const names: N[] = [];
  let cursor: string | null = null;
  do {
    const { events, nextCursor }: { readonly events: readonly T[]; readonly nextCursor: string | null } = await page(cursor === null ? {} : { cursor });
    names.push(...events.map(name));
    cursor = nextCursor;
  } while (cursor !== null);
  return names;
}

async function checkHandlers(views: Views, history: History, tenant: string): Promise<void> {
  const shown = await views.handlers(tenant);
  const configured = history.handlers.filter((handler) => handler.configured);
  expect(shown.map(({ name }) => name)).toEqual(configured.map(({ name }) => name).toSorted());
  for (const view of shown) {
    const handler = configured.find(({ name }) => name === view.name)!;
    const wanted = wantedOf(history, view.name, eventsOf(history, tenant));
    const statuses = wanted.map((event) => history.statusOf(handler, event));
    const byStatus = Object.fromEntries(deliveryStatuses.map((status) => [status, statuses.filter((each) => each === status).length]));
    expect(view.byStatus).toEqual(byStatus);
    expect(view.wanted).toBe(wanted.length);
    expect(view.done).toBe(statuses.filter(isDone).length);
    expect(view.waiting).toBe(view.wanted - view.done);
    expect(view.lagEvents).toBe(byStatus.pending! + byStatus.held!);
    const streams = [...new Set(wanted.map(({ stream }) => stream))];
    expect(view.lanes).toEqual(
      Object.fromEntries(shownLaneStates.map((state) => [state, streams.filter((stream) => history.laneStateOf(handler, stream) === state).length])),
    );
  }
}

async function checkEntities(views: Views, history: History): Promise<void> {
  for (const stream of new Set(history.events.map((event) => event.stream))) {
    const of = history.events.filter((event) => event.stream === stream);
    const { tenant, entity } = of[0]!;
    const view = await views.entity(tenant, entity);
    expect(view).toMatchObject({ tenant, entity, revision: of.length - 1, lastEventAt: of.at(-1)!.recordedAt });
    const expected = history.handlers.flatMap((handler) => {
      const wanted = wantedOf(history, handler.name, of);
      const waiting = wanted.filter((event) => !isDone(history.statusOf(handler, event)));
      const head = waiting[0];
      return wanted.length === 0
        ? []
        : {
            handler: handler.name,
            laneState: history.laneStateOf(handler, stream),
            waiting: waiting.length,
            head: head ? { eventId: head.id, revision: head.revision, status: history.statusOf(handler, head) } : null,
          };
    });
    expect(view!.handlers).toMatchObject(expected);
    expect(view!.handlers).toHaveLength(expected.length);
    for (const lane of view!.handlers) expect(lane.why === null).toBe(lane.laneState === "flowing");
  }
}

async function checkLanes(views: Views, history: History, tenant: string): Promise<void> {
  for (const laneState of shownLaneStates) {
    const expected = [...new Set(eventsOf(history, tenant).map(({ stream }) => stream))].filter((stream) =>
      history.handlers.some(
        (handler) =>
          history.laneStateOf(handler, stream) === laneState && history.events.some((event) => event.stream === stream && history.wants(handler, event)),
      ),
    );
    const shown: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<Views["entities"]>> = await views.entities({ tenant, laneState }, { limit: 2, ...(cursor === null ? {} : { cursor }) });
      shown.push(...page.entities.map(({ tenant: owner, entity }) => `${owner}.${entity.type}-${entity.id}`));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(shown).toEqual(expected.sort((one, other) => (one < other ? -1 : 1)));
  }
}

/** Old records and new ones: who replays or discards what is escalated has decided, on whatever record. */
async function checkEscalations(views: Views, history: History, tenant: string): Promise<void> {
  const isOf = (owner: string) => tenant === everyTenant || owner === tenant;
  const open = history.handlers.flatMap((handler) =>
    [...handler.lanes].flatMap(([stream, lane]) =>
      [...lane.letters].flatMap(([revision, { escalated }]) => (escalated && isOf(stream.split(".")[0]!) ? [`${handler.name} ${stream}@${revision}`] : [])),
    ),
  );
  const list = async (filter: Omit<EscalationFilter, "tenant">) =>
    allPages(
      async (cursor) => {
        const page = await views.escalations({ tenant, ...filter }, { limit: 2, ...cursor });
        return { events: page.escalations, nextCursor: page.nextCursor };
      },
      (each) => each,
    );
  const all = await list({});
  expect(
    all
      .filter(({ status }) => status === "open")
      .map(({ handler, stream, revision }) => `${handler} ${stream}@${revision}`)
      .sort(),
  ).toEqual(open.sort());
  expect((await views.openEscalations(tenant)).reduce((sum, counted) => sum + counted.open, 0)).toBe(open.length);
  for (const status of escalationStatuses)
    for (const handler of [undefined, "mailer", "ledger"]) {
      const filter = { status, ...(handler === undefined ? {} : { handler }) };
      expect(await list(filter)).toEqual(all.filter((each) => each.status === status && (handler ?? each.handler) === each.handler));
    }
  for (const each of all) {
    expect((each.decidedAt === null) === (each.status === "open")).toBe(true);
    expect((await views.escalation(each.tenant, each.deliveryId))?.deliveryId).toBe(each.deliveryId);
  }
}

async function checkDeadLetters(views: Views, history: History, tenant: string): Promise<void> {
  const filter = { tenant };
  const letters = eventsOf(history, tenant).flatMap((event) =>
    history.handlers
      .filter((handler) => history.wants(handler, event) && ["dead_lettered", "escalated"].includes(history.statusOf(handler, event)))
      .map((handler) => ({ handler, event })),
  );
  const names = letters.map(({ handler, event }) => `${event.id} ${handler.name}`);
  const newest = letters
    .toSorted((a, b) => Number(b.event.position - a.event.position) || (a.handler.name < b.handler.name ? 1 : -1))
    .map(({ handler, event }) => `${event.id} ${handler.name}`);
  const listed = await allPages(
    async (cursor) => {
      const page = await views.deadLetters(filter, { limit: 2, ...cursor });
      expect(page.total).toBe(letters.length);
      return page;
    },
    ({ id, handler }) => `${id} ${handler}`,
  );
  expect(listed).toEqual(newest);
  expect((await views.oldestDeadLetters(filter, 1000)).map(({ eventId, handler }) => `${eventId} ${handler}`)).toEqual(names);

  const held = (handler: History["handlers"][number], stream: string) =>
    handler.ordering === "relaxed"
      ? 0
      : wantedOf(history, handler.name).filter((event) => event.stream === stream && ["held", "pending"].includes(history.statusOf(handler, event))).length;
  for (const { handler, event } of letters) {
    const [entry] = (await views.findDeadLetters(event.tenant, event.id)).filter((each) => each.handler === handler.name);
    expect(entry).toMatchObject({
      id: event.id,
      revision: event.revision,
      waiting: held(handler, event.stream),
      stored: { type: event.type, data: event.data },
    });
    expect(await views.findDeadLetters(event.tenant, entry!.deliveryId)).toEqual([entry]);
    expect(entry!.waitingEvents.length).toBe(Math.min(10, entry!.waiting));
  }
  const oldest = await views.oldestDeadLetters(filter, 1000);
  for (const more of [{ handler: "mailer" }, { entityType: "cart" }, { source: "shop" }, { eventType: "order.paid" }, { entityId: "2" }]) {
    const page = await views.deadLetters({ ...filter, ...more }, { limit: 1000, data: false });
    const [name, value] = Object.entries(more)[0]!;
    const matching = page.events.filter(
      (letter) =>
        (({ ...letter, ...letter.entity, entityType: letter.entity.type, entityId: letter.entity.id }) as unknown as Record<string, unknown>)[name] === value,
    );
    expect(page.events).toEqual(matching);
    expect((await views.oldestDeadLetters({ ...filter, ...more }, 1000)).map(({ eventId }) => eventId).toReversed()).toEqual(page.events.map(({ id }) => id));
    expect(page.total).toBe(page.events.length);
    expect((await views.deadLetterStats({ ...filter, ...more })).total).toBe(page.total);
  }
  expect(oldest.length).toBe(letters.length);
  const stats = await views.deadLetterStats(filter);
  expect(stats.total).toBe(letters.length);
  const lanes = new Map(letters.map(({ handler, event }) => [`${handler.name} ${event.stream}`, held(handler, event.stream)]));
  expect(stats.waiting).toBe([...lanes.values()].reduce((sum, count) => sum + count, 0));
  for (const counts of [stats.byEventType, stats.byHandler, stats.bySource]) {
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(letters.length);
    expect(counts.map(({ count }) => count)).toEqual(counts.map(({ count }) => count).toSorted((a, b) => b - a));
  }
}
