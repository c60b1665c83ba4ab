/** Journals of a store are shortened by its runs: texts of attempts leave the log once what they are of is over for long enough, and nothing else is lost. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { openStore } from "../../src/compose.ts";
import { type Config, defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { systemClock } from "../../src/event/clock.ts";
import { place } from "../../src/http/wire/stream.ts";
import { entriesOf, readAbridged } from "../../src/log/abridged/abridgement.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { toSelection } from "../../src/replay/selection.ts";
import type { Store } from "../../src/store/store.ts";
import type { HandlerView } from "../../src/views/model/handler.ts";
import { followFrom, idOf } from "../support/followed.ts";
import { replayWith, runTerms, until } from "../support/replay-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { logHead } from "../support/test-store.ts";

const placed = defineEvent("order.placed", { 1: z.object({ n: z.number() }) });
const dayMs = 86_400_000;
const tenant = "default";
/** In the messages of failures that are over, and of the one that is not. */
const [overMark, openMark] = ["OVER-4711-", "OPEN-4712-"];

function aScene(partitions = 1) {
  const [folder, archive] = [temporaryFolder(), temporaryFolder()];
  const time = { days: 0 };
  const clock = { ...systemClock, now: () => Date.now() + time.days * dayMs };
  const state = { broken: true };
  const mailer = defineHandler({
    ...{ name: "mailer", events: [placed], ordering: "relaxed", partitions, retry: { maxAttempts: 2, initialDelayMs: 10 } },
    on: {
      "order.placed": ({ data: { n } }: { readonly data: { readonly n: number } }) => {
        if (state.broken) throw new Error(`no stamp for ${overMark}${n}`);
        if (n === 7) throw new TypeError(`no stamp for ${openMark}${n}`);
      },
    },
  } as never);
  // Events stay: there is no rule for orders.
  const config = defineConfig({ events: [placed], handlers: [mailer], retention: { other: { afterDays: 10, archive: `file:${archive}` } } } as Config);
  const open = async () => {
    const store = await openStore(config, { log: `sqlite:${folder}`, clock });
    onTestFinished(() => store.close());
    await store.start();
    return store;
  };
  const holds = (mark: string) => readdirSync(folder).filter((name) => name.startsWith("log.db") && readFileSync(join(folder, name)).includes(mark));
  /** The handler's figures hold in views that know of all that the log has. */
  const shows = (store: Store, figures: (handler: HandlerView) => boolean) =>
    until(async () => {
      await store.views.waitFor(logHead(folder), 30_000);
      return figures((await store.views.handlers())[0]!);
    });
  return { folder, time, state, open, holds, shows };
}

async function run(store: Store) {
  const { id } = await store.beginArchiveRun();
  await until(async () => (await store.archiveRun(id))!.state !== "running");
  expect((await store.archiveRun(id))!.why).toBeNull();
}

const lettersOf = (store: Store) => store.views.deadLetters({ tenant }, { limit: 100 });
const append = async (store: Store, from: number, to: number) => {
  for (let n = from; n < to; n++) await store.append([{ type: "order.placed", schemaVersion: 1, entity: { type: "order", id: `o-${n}` }, data: { n } }]);
};

/** All that is shown of deliveries, and does not say when it was asked. */
async function shown(store: Store, ids: readonly string[]) {
  const { events } = await lettersOf(store);
  const deliveries = await Promise.all(ids.map((id) => store.views.deliveriesOf(tenant, id)));
  const { groups } = await store.views.errorGroups({ tenant }, { limit: 10 });
  return JSON.parse(JSON.stringify({ events, deliveries, groups, handlers: await store.views.handlers() })) as Record<string, unknown>;
}

it.each([1, 3])(
  "lose the texts of what is over, and keep what is open, what was decided and every count: %i partitions",
  { timeout: 90_000 },
  async (partitions) => {
    const { folder, time, state, open, holds, shows } = aScene(partitions);
    const first = await open();
    await append(first, 0, 30);
    await until(async () => (await lettersOf(first)).total === 30);
    state.broken = false;
    const { planId } = await first.planReplay(toSelection({ deadLetters: { handler: "mailer" } }));
    const { replayId } = await first.startReplay(planId, { terms: runTerms, reason: "mended" });
    await replayWith(first, replayId, "completed");
    await until(async () => (await lettersOf(first)).total === 1);
    await first.close();
    expect(holds(overMark)).toEqual(["log.db"]);

    time.days = 5;
    const store = await open();
    await append(store, 30, 40);
    const ids = [
      ...(await store.readEntity({ type: "order", id: "o-3" }, { limit: 1 })).events,
      ...(await store.readEntity({ type: "order", id: "o-7" }, { limit: 1 })).events,
    ].map(({ id }) => id);
    await shows(store, ({ waiting }) => waiting === 1);
    const before = await shown(store, ids);
    const changes = await followFrom(store, "0");
    await until(() => changes.told.some((told) => told.includes("o-39 0 mailer completed")));
    changes.stop();
    await run(store);
    expect(await shown(store, ids)).toEqual(before);

    time.days = 12;
    await run(store);
    await until(async () => JSON.stringify((await shown(store, ids)).deliveries).includes(overMark) === false);
    const after = await shown(store, ids);
    expect(after).toMatchObject({ events: before["events"], groups: before["groups"], handlers: before["handlers"] });
    expect(JSON.stringify(after["events"])).toContain(`${openMark}7`);
    const ofFirst = (all: Record<string, unknown>) => (all["deliveries"] as readonly (readonly Record<string, unknown>[])[])[0]![0]!;
    expect(ofFirst(after)).toMatchObject({ status: "replayed", attempts: ofFirst(before)["attempts"], history: [] });
    // Whoever comes back to a place among what went would miss changes; whoever is further has all.
    await expectGone(store, idOf(changes.told.find((told) => told.includes("mailer failed"))!));
    await store.close();
    expect(holds(overMark)).toEqual([]);

    rmSync(join(folder, "views.db"));
    const again = await open();
    await shows(again, ({ done }) => done === 39);
    expect(await shown(again, ids)).toEqual(after);
    state.broken = false;
    await append(again, 40, 41);
    await shows(again, ({ done }) => done === 40);
    await again.views.rebuild();
    expect((await lettersOf(again)).total).toBe(1);
  },
);

it("lose the texts of what is over in the journals of an earlier division, too, once it is over where its lanes went on", { timeout: 90_000 }, async () => {
  const { folder, time, state, open, holds, shows } = aScene();
  const because = { actor: "anna", reason: "more of them" };
  const first = await open();
  await append(first, 0, 20);
  await until(async () => (await lettersOf(first)).total === 20);
  state.broken = false;
  const { planId } = await first.planReplay(toSelection({ deadLetters: { handler: "mailer" } }));
  await replayWith(first, (await first.startReplay(planId, { terms: runTerms, reason: "mended" })).replayId, "completed");
  await until(async () => (await lettersOf(first)).total === 1);
  await first.amend((await lettersOf(first)).events[0]!.id, { ...because, data: { n: 70 } });
  await first.repartitionHandler("mailer", 3, because);
  await append(first, 20, 40);
  await shows(first, ({ waiting }) => waiting === 1);
  await first.close();
  expect([holds(overMark), holds(openMark)]).toEqual([["log.db"], ["log.db"]]);

  time.days = 12;
  const second = await open();
  await append(second, 40, 60);
  await shows(second, ({ waiting }) => waiting === 1);
  const [letter] = (await lettersOf(second)).events;
  await run(second);
  expect((await lettersOf(second)).events).toEqual([letter]);
  expect(letter!.data).toEqual({ n: 70 });
  expect(letter!.error.message).toContain(openMark);
  await second.close();

  /** What the log still tells of the one that was open: views are made from it anew. */
  const told = async (waiting: number) => {
    expect(holds(overMark)).toEqual([]);
    rmSync(join(folder, "views.db"));
    const store = await open();
    await shows(store, (handler) => handler.waiting === waiting && handler.byStatus.replayed === 19);
    return { store, texts: JSON.stringify(await store.views.deliveriesOf(tenant, letter!.id)).includes(openMark) };
  };
  const third = await told(1);
  expect([third.texts, (await lettersOf(third.store)).events]).toEqual([true, [letter]]);
  await third.store.discard(letter!.id, { actor: "anna", reason: "nobody wants it" });
  await third.store.close();
  let from = 60;
  for (const [days, texts] of [
    [13, true],
    [25, false],
    [40, false],
  ] as const) {
    time.days = days;
    const store = await open();
    await append(store, from, from + 20);
    from += 20;
    await shows(store, ({ done }) => done === from);
    await run(store);
    await store.close();
    expect([days, await isAbridged(folder, openMark)]).toEqual([days, texts]);
    const after = await told(0);
    expect([days, after.texts]).toEqual([days, texts]);
    await shows(after.store, ({ done }) => done === from);
    expect((await after.store.views.handlers())[0]).toMatchObject({ done: from, byStatus: { discarded: 1 } });
    await after.store.close();
  }
});

/** Whether the abridgement of any journal has the mark. */
async function isAbridged(folder: string, mark: string): Promise<boolean> {
  const log = await openSqliteLog(folder);
  try {
    for (const abridged of (await readAbridged(log)).values())
      for await (const entries of entriesOf(log, abridged)) if (JSON.stringify(entries).includes(mark)) return true;
    return false;
  } finally {
    await log.close();
  }
}

async function expectGone(store: Store, after: string): Promise<void> {
  const { ended } = await store.following.follow({
    ...{ wanted: { tenant, events: false, statuses: new Set(["failed"]) as never }, from: place.parse(after) },
    ...{ signal: new AbortController().signal, encode: () => Buffer.from(""), sink: { send: () => true, onDrained() {} } },
  });
  expect(await ended).toBe("gone");
}
