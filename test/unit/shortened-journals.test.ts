/** Journals that were shortened say what they said as wholes, less the texts of what was over: to the partition's owner, and to the views. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { readAbridged } from "../../src/log/abridged/abridgement.ts";
import { readAllWhole } from "../../src/log/abridged/whole-journals.ts";
import { copyLog } from "../../src/log/copy/copy.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { missedEntries } from "../../src/views/projections/shortened.ts";
import { openViewStore } from "../../src/views/store.ts";
import { flat } from "../contract/log-events.ts";
import { runOnce } from "../support/retention-scene.ts";
import { catchUp, rowsThatMatter, shorten, statesOf } from "../support/shortened.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type Dice, makeDice, makeHistory, ordersCatalog } from "../support/views-history.ts";

const setups = [
  { name: "ledger", ordering: "strict", types: ["order.placed", "order.paid"], fromNow: false },
  { name: "mailer", ordering: "relaxed", types: ["order.placed"], fromNow: false, partitions: 3 },
  { name: "stats", ordering: "strict", types: ["order.noted", "order.placed"], fromNow: true, partitions: 2 },
] as const;

function aHistory(dice: Dice) {
  const time = { ms: Date.UTC(2026, 0, 1) };
  const log = openMemoryLog({ clock: { now: () => (time.ms += dice(9000)) } });
  return { time, log, history: makeHistory(log, dice, setups) };
}

const atOnce = (dice: Dice) => () => 1 + dice(40);

/** All that the states have but positions, which are each log's own, and revisions of journals, which close up. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  const places = ["at", "checkpoint", "end", "epochBase"];
  return Object.fromEntries(Object.entries(value).flatMap(([name, inner]) => (places.includes(name) ? [] : [[name, withoutPlaces(inner)]])));
}

async function expectCopied(source: EventLog): Promise<void> {
  const target = openMemoryLog();
  const report = await copyLog({ source, target, together: true, verify: true, signal: new AbortController().signal, onProgress: () => {} });
  expect(report).toMatchObject({ complete: true, verified: { differing: { total: 0 } } });
  expect(withoutPlaces(await statesOf(target))).toEqual(withoutPlaces(await statesOf(source)));
}

describe("journals of a random history that are shortened now and then (property)", () => {
  it("give the views and the owner what whole ones give", async () => {
    const folder = temporaryFolder();
    let run = 0;
    let cuts = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const dice = makeDice(seed);
        const { log, time, history } = aHistory(dice);
        const live = join(folder, `${++run}-live.db`);
        const store = openViewStore(live, log.logId, ordersCatalog);
        for (let round = 0; round < 3; round++) {
          for (let left = 60 + dice(100); left > 0; left--) await history.step();
          if (dice(2) === 0) await history.flushAll();
          await catchUp(store, log, atOnce(dice));
          const before = await statesOf(log);
          cuts += await shorten(log, time.ms - dice(600_000));
          expect(await statesOf(log)).toEqual(before);
          if (dice(2) === 0) await catchUp(store, log, atOnce(dice));
        }
        await catchUp(store, log, atOnce(dice));
        expect(missedEntries(store.db)).toBe(false);
        store.close();
        const anew = join(folder, `${run}-anew.db`);
        const rebuilt = openViewStore(anew, log.logId, ordersCatalog, "rebuild");
        await catchUp(rebuilt, log, atOnce(dice));
        expect(missedEntries(rebuilt.db)).toBe(false);
        rebuilt.close();
        expect(rowsThatMatter(anew)).toEqual(rowsThatMatter(live));
        await expectCopied(log);
        const positions = (await flat(readAllWhole(log))).map(({ position }) => position);
        expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
      }),
      { numRuns: size(15, 60), examples: [[1697631700]] }, // a lane was ahead of its own checkpoint, and that of another partition stood still
    );
    expect(cuts).toBeGreaterThan(run);
  }, 300_000);
});

describe("error groups of events that were archived", () => {
  it("say types, versions and builds from the journals alone, whole and shortened", async () => {
    const folder = temporaryFolder();
    const seenIn = (file: string) => rowsThatMatter(file).error_groups;
    let gone = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const dice = makeDice(seed);
      const { log, time, history } = aHistory(dice);
      for (let left = 150; left > 0; left--) await history.step();
      await history.flushAll();
      const live = join(folder, `${seed}-live.db`);
      const store = openViewStore(live, log.logId, ordersCatalog);
      await catchUp(store, log, atOnce(dice));
      const rules = ["order", "cart"].map((entityType) => ({ entityType, afterMs: 1000, keepLast: 0, archive: `file:${folder}/archive` }));
      for (const laterMs of [10_000, 86_400_000]) {
        gone += (await runOnce(log, { rules, nowMs: time.ms + laterMs })).archived;
        await catchUp(store, log, atOnce(dice));
        const anew = join(folder, `${seed}-${laterMs}.db`);
        const rebuilt = openViewStore(anew, log.logId, ordersCatalog, "rebuild");
        await catchUp(rebuilt, log, atOnce(dice));
        rebuilt.close();
        store.settle();
        expect(seenIn(anew)).toEqual(seenIn(live));
      }
      store.close();
    }
    expect(gone).toBeGreaterThan(20);
  }, 60_000);
});

/** A log that fails at one call: before it, or when it is done. */
function failingAt(log: EventLog, call: number): { readonly log: EventLog; readonly failed: () => boolean } {
  let left = call;
  let failed = false;
  const dies = (what: string) => {
    if (left-- !== 0) return;
    failed = true;
    throw new Error(`cut off at ${what}`);
  };
  const mortal =
    (name: "append" | "truncate" | "streamRevision" | "head") =>
    async (...given: never[]) => {
      dies(name);
      const answer = await (log[name] as (...given: never[]) => Promise<unknown>)(...given);
      dies(`the answer of ${name}`);
      return answer;
    };
  const names = ["append", "truncate", "streamRevision", "head"] as const;
  return { log: { ...log, ...Object.fromEntries(names.map((name) => [name, mortal(name)])) }, failed: () => failed };
}

describe("a run that shortens journals", () => {
  it("is gone on with wherever it was cut off, and until then the log says the same", async () => {
    const folder = temporaryFolder();
    const rules = [{ entityType: "none", afterMs: 60_000, keepLast: 0, archive: `file:${folder}/archive` }];
    let calls = 0;
    for (let call = 0; ; call++, calls++) {
      const dice = makeDice(11);
      const { log, time, history } = aHistory(dice);
      for (let left = 70; left > 0; left--) await history.step();
      await history.flushAll();
      const nowMs = time.ms + 180_000;
      const before = await statesOf(log);
      const mortal = failingAt(log, call);
      await runOnce(mortal.log, { rules, nowMs }).catch((error) => expect((error as Error).message).toContain("cut off"));
      expect(await statesOf(log)).toEqual(before);
      if (!mortal.failed()) break;
      const texts = async (): Promise<Record<string, unknown>> => (call % 5 === 0 ? rowsFrom(join(folder, `${call}.db`), log, dice) : {});
      const half = await texts();
      await runOnce(log, { rules, nowMs });
      expect(await statesOf(log)).toEqual(before);
      for (const { journal, before: end } of (await readAbridged(log)).values()) expect((await flat(log.readStream(journal)))[0]!.revision).toBe(end);
      expect((await readAbridged(log)).size).toBeGreaterThan(2);
      const whole = await texts();
      for (const table of ["lanes", "error_groups", "escalations", "checkpoints", "letter_counts"]) expect(whole[table]).toEqual(half[table]);
    }
    expect(calls).toBeGreaterThan(60);
  }, 60_000);

  it("leaves what stands from an amendment in force on", async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    const log = openMemoryLog({ clock: { now: () => (nowMs += 1000) } });
    const journal = "reprise.journal-desk-1-0";
    const about = { lane: "default.order-1", revision: 0, at: "1", eventId: newId() };
    const act = { actor: "ann", reason: "wrong address" };
    const error = { type: "Error", message: "no such street" };
    const own = (type: string, data: object) => ownEvent(newId, type, data);
    const configured = { types: { "order.placed": "0" }, ordering: "strict", start: "beginning", partitions: 1, journal, endpoint: null };
    await log.append("reprise.handler-desk", [own("handler.configured", configured)], "none");
    const letter = { ...about, attempts: 1, retryCount: 1, cause: "terminal", error, chain: "c", escalated: false, record: null };
    const progress = () => own("progress", { checkpoint: "1", ahead: [] });
    const claimed = own("partition.claimed", { owner: "o", build: "b", catalog: "c", readAhead: 1 });
    await log.append(journal, [claimed, own("delivery.dead_lettered", letter)], "none");
    await log.append(journal, [own("delivery.amended", { ...about, data: { street: "Main" }, before: "dead_lettered", replaces: "stored", act })], 1);
    await log.append(journal, [progress()], 2);
    await shorten(log, Date.UTC(2026, 1, 1));
    expect((await flat(log.readStream(journal))).map(({ type }) => type)).toEqual(["delivery.amended", "progress"]);
    await log.append(journal, [own("delivery.settled", { ...about, outcome: "discarded", cause: null, act, record: null }), progress()], 3);
    await log.append(journal, [progress()], 5);
    await shorten(log, Date.UTC(2026, 2, 1));
    expect((await flat(log.readStream(journal))).map(({ type }) => type)).toEqual(["progress"]);
    const left = JSON.stringify((await flat(readAllWhole(log))).map(({ data }) => data));
    expect(left).toContain("wrong address");
    expect(left).not.toContain("Main");
  });

  it("has views that it overtook built anew", async () => {
    const dice = makeDice(5);
    const { log, time, history } = aHistory(dice);
    for (let left = 80; left > 0; left--) await history.step();
    await history.flushAll();
    const late = openViewStore(join(temporaryFolder(), "late.db"), log.logId, ordersCatalog);
    const events = await flat(log.readAll());
    const reported: unknown[] = [];
    late.watch((error) => reported.push(error));
    late.fold(events.slice(0, 30), () => false);
    await shorten(log, time.ms);
    // What it reads now, it reads without a look at what was shortened since.
    for await (const batch of log.readAll({ after: late.position() })) late.fold(batch, () => false);
    expect(missedEntries(late.db)).toBe(true);
    expect(String(reported[0])).toContain("was shortened before the views had read it");
    late.close();
  });
});

async function rowsFrom(file: string, log: EventLog, dice: Dice) {
  const store = openViewStore(file, log.logId, ordersCatalog);
  await catchUp(store, log, atOnce(dice));
  store.close();
  const rows = rowsThatMatter(file);
  rmSync(file);
  return rows;
}
