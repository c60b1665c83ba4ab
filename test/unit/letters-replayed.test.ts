/** Dead letters that one replay delivered stand in one record, and whoever reads it is told of each as by a record of its own. */
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { Asker, outcomeKey } from "../../src/delivery/inbox/asker.ts";
import { divide } from "../../src/delivery/partition/flush-appends.ts";
import { makeLane } from "../../src/delivery/partition/lane.ts";
import { Recorder } from "../../src/delivery/partition/recorder.ts";
import { newId } from "../../src/event/ids.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { JournalEvent, ReplayedLetter } from "../../src/records/journal.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { Abridger } from "../../src/retention/journals/abridger.ts";
import { makeTeller } from "../../src/store/following/teller.ts";
import { troubledStatuses, type Wanted } from "../../src/store/following/wanted.ts";
import { Counted } from "../../src/telemetry/counted.ts";
import { measuredLog } from "../../src/telemetry/measured-log.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { makeStoredEvent } from "../support/stored-event.ts";
import { makeViewsFixture } from "../support/views-fixture.ts";

const record = { attempt: 2, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 1, outcome: "completed", class: null, error: null } as const;
const actOf = (replayId: string) => ({ actor: "ann", reason: "mended", replayId });
const letter = (lane: string, revision = 0, paceThrough: number | null = null): ReplayedLetter => [
  ...([lane, revision, "1", `e-${lane}-${revision}`, "dead_lettered", record, paceThrough] as const),
];
const told = (replayId: string, ...letters: readonly ReplayedLetter[]): JournalEvent => ({ type: "letters.replayed", data: { act: actOf(replayId), letters } });
const settled = (replayId: string, [lane, revision, at, eventId, before, , paceThrough]: ReplayedLetter): JournalEvent => {
  const data = { lane, revision, at, eventId, before, outcome: "replayed", cause: null, act: actOf(replayId), record } as const;
  return { type: "delivery.settled", data: paceThrough === null ? data : { ...data, paceThrough } };
};
const stopped: JournalEvent = { type: "replay.stopped", data: { replayId: "r1" } };

function flushOf(...facts: readonly JournalEvent[]): readonly JournalEvent[] {
  const recorder = new Recorder();
  for (const fact of facts) recorder.fact(fact);
  expect(recorder.pending()).toBe(facts.length);
  return recorder.take({ position: 5n, passed: 0 }, () => true).events.slice(0, -1);
}

describe("dead letters that were delivered", () => {
  it("stand in one record as far as nothing else is told between them, each counted as a fact", () => {
    const one = flushOf(told("r1", letter("d.o-1")), told("r1", letter("d.o-2")), stopped, told("r1", letter("d.o-3")), told("r1", letter("d.o-4", 7, 9)));
    expect(one).toEqual([told("r1", letter("d.o-1"), letter("d.o-2")), stopped, told("r1", letter("d.o-3"), letter("d.o-4", 7, 9))]);
  });

  it("have a record of their own where each is of another replay, or stands alone", () => {
    const letters = [letter("d.o-1"), letter("d.o-2", 3, 8), letter("d.o-3")] as const;
    expect(flushOf(told("r1", letters[0]), told("r2", letters[1]), stopped, told("r2", letters[2]))).toEqual([
      settled("r1", letters[0]),
      settled("r2", letters[1]),
      stopped,
      settled("r2", letters[2]),
    ]);
  });

  it("have a record of their own where the replays of one id say of each that another person asked, or why", () => {
    const [one, two] = [letter("d.o-1"), letter("d.o-2")];
    for (const other of [{ actor: "bob" }, { reason: null }]) {
      const act = { ...actOf("r1"), ...other };
      const [, last] = flushOf(told("r1", one), { type: "letters.replayed", data: { act, letters: [two] } });
      expect(last).toMatchObject({ type: "delivery.settled", data: { lane: "d.o-2", act } });
    }
  });

  it("come behind the return of their lane to the subscription that was told before", () => {
    const attached: JournalEvent = { type: "lane.attached", data: { lane: "d.o-2", at: "4" } };
    const facts = flushOf(told("r1", letter("d.o-1")), attached, told("r1", letter("d.o-2")), told("r1", letter("d.o-3")));
    expect(facts).toEqual([settled("r1", letter("d.o-1")), attached, told("r1", letter("d.o-2"), letter("d.o-3"))]);
  });

  it("begin anew with each flush", () => {
    const recorder = new Recorder();
    const take = () => recorder.take({ position: 5n, passed: 0 }, () => true).events.slice(0, -1);
    recorder.moved(makeLane("d.o-1", 1));
    recorder.fact(told("r1", letter("d.o-1")));
    recorder.fact(told("r1", letter("d.o-2")));
    expect(take()).toHaveLength(1);
    recorder.fact(told("r1", letter("d.o-3")));
    expect(take()).toEqual([settled("r1", letter("d.o-3"))]);
    expect(take()).toEqual([]);
  });

  it("go into as many appends as they need", () => {
    const letters = Array.from({ length: 40 }, (_, index) => letter(`d.o-${index}`));
    const appends = divide([told("r1", ...letters), { type: "progress", data: { checkpoint: "5", ahead: [] } }], 3n, { events: 500, bytes: 2000 });
    expect(appends.length).toBeGreaterThan(3);
    const parts = appends.flat().filter((event) => event.type === "letters.replayed");
    expect(parts.flatMap((event) => event.data.letters)).toEqual(letters);
    expect(parts.map(({ data }) => data.act)).toEqual(parts.map(() => actOf("r1")));
    expect(appends.at(-1)!.at(-1)).toEqual({ type: "progress", data: { checkpoint: "5", ahead: [] } });
  });
});

describe("a journal that is shortened", () => {
  const withRecord = (of: ReplayedLetter, its: object | null) => of.with(5, its as never) as unknown as ReplayedLetter;
  const called = { ...record, logs: [{ at: "2026-01-01T00:00:00.000Z", level: "info", message: "called ann@home" }] };
  const lettersOf = (isOver: boolean) => {
    const abridger = new Abridger({ isOver: (_lane, revision, at) => isOver && revision === 7 && at === "1", wasInTrouble: () => true });
    const { type, data } = told("r1", withRecord(letter("d.o-1", 7, 9), called), withRecord(letter("d.o-2", 7), null));
    const [kept] = abridger.add([3, "8", "2026-01-01T00:00:01.000Z", type, data as never]);
    return { kept, texts: abridger.kept };
  };

  it("keeps which dead letters were delivered, by which call and on whose pace, and no text of a call", () => {
    const { kept, texts } = lettersOf(true);
    const bare = { attempt: 2, startedAt: "", durationMs: 0, outcome: "completed", class: null, error: null };
    const letters = [withRecord(letter("d.o-1", 7, 9), bare), withRecord(letter("d.o-2", 7), null)];
    expect([kept, texts]).toEqual([[3, "8", "2026-01-01T00:00:01.000Z", "letters.replayed", { act: actOf("r1"), letters }], 0]);
  });

  it("keeps all of what is not over", () => {
    const { kept, texts } = lettersOf(false);
    expect([JSON.stringify(kept).includes("ann@home"), texts]).toEqual([true, 2]);
  });
});

describe("a record of several dead letters that were delivered", () => {
  const stream = "reprise.journal-desk-1-0";
  const stored = (event: JournalEvent) => makeStoredEvent({ stream, source: "reprise", position: 7n, type: event.type, data: event.data as never });

  it("is a message for each to who follows the log, who may come back between two", async () => {
    const placed = defineEvent("order.placed", { 1: z.object({}) });
    const readStream = vi.fn(async function* (from: string, { from: revision = 0 } = {}) {
      yield [makeStoredEvent({ stream: from, revision, type: "order.placed" })];
    });
    const teller = makeTeller({ log: { readStream }, catalog: makeCatalog({ events: [placed] }), view: vi.fn() });
    const completions = { of: vi.fn().mockResolvedValue([]), forget: vi.fn() };
    const wanted: Wanted = { tenant: "default", events: true, statuses: new Set(troubledStatuses) };
    const event = stored(told("r1", letter("default.order-1", 4), letter("default.order-2"), letter("default.order-3")));
    const messages = [
      { index: 0, position: 7n, revision: 4, entity: { id: "1" }, status: "replayed" },
      { index: 1, position: 7n, revision: 0, entity: { id: "2" }, status: "replayed" },
      { index: 2, position: 7n, revision: 0, entity: { id: "3" }, status: "replayed" },
    ];
    expect(teller.tell(event, [{ wanted }], completions)).toMatchObject(messages);
    const withTypes = await teller.tell(event, [{ wanted: { ...wanted, eventType: "order.placed" } as Wanted }], completions);
    expect(withTypes).toMatchObject(messages);
    const withCompletions = { ...wanted, statuses: new Set([...troubledStatuses, "completed" as const]) };
    expect(await teller.tell(event, [{ wanted: withCompletions }], completions)).toMatchObject(messages);
  });

  it("answers the other instance that asked for the replays of some of them", async () => {
    const [log, signal] = [openMemoryLog(), new AbortController().signal];
    const asker = new Asker({ log, clock: makeFakeClock(), newId, mayAsk: () => true, signal });
    const asks = ["default.order-1", "default.order-3"].map((lane) => {
      const outcome = outcomeKey({ replayId: "r1", stream: lane, revision: 0 });
      const asked = { act: "letter.replay", args: { stream: lane, revision: 0, replayId: "r1" } } as never;
      return asker.ask(stream, asked, { actor: "ann", reason: null }, { patient: true, outcome });
    });
    asker.take(stored(told("r1", letter("default.order-1"), letter("default.order-2"), letter("default.order-3"))));
    expect(await Promise.all(asks)).toMatchObject([
      { position: 7n, type: "delivery.settled", data: { lane: "default.order-1", outcome: "replayed", act: actOf("r1"), record } },
      { position: 7n, type: "delivery.settled", data: { lane: "default.order-3" } },
    ]);
  });

  it.each([null, {}, { act: actOf("r1") }, { letters: 3 }, { act: actOf("r1"), letters: [null] }, { act: null, letters: ["abcdefg"] }])(
    "that another program wrote under our name as %j tells nobody of anything, and stops nobody",
    async (data) => {
      const [log, signal] = [openMemoryLog(), new AbortController().signal];
      const forged = { ...stored(told("r1")), data: data as never };
      const completions = { of: vi.fn().mockResolvedValue([]), forget: vi.fn() };
      const teller = makeTeller({ log, catalog: makeCatalog({ events: [] }), view: vi.fn() });
      expect(teller.tell(forged, [{ wanted: { tenant: "default", events: false, statuses: new Set(troubledStatuses) } }], completions)).toEqual([]);
      const asker = new Asker({ log, clock: makeFakeClock(), newId, mayAsk: () => true, signal });
      const outcome = outcomeKey({ replayId: "r1", stream: "default.order-1", revision: 0 });
      const asked = { act: "letter.replay", args: { stream: "default.order-1", revision: 0, replayId: "r1" } } as never;
      const answer = asker.ask(stream, asked, { actor: "ann", reason: null }, { patient: true, outcome });
      asker.take(forged);
      asker.take(stored(told("r1", letter("default.order-1"))));
      expect(await answer).toMatchObject({ type: "delivery.settled", data: { lane: "default.order-1" } });
    },
  );

  it("is counted as that many deliveries and items", async () => {
    const counted = new Counted(["desk"]);
    const log = measuredLog(openMemoryLog(), counted);
    const list = told("r1", letter("default.order-1"), letter("default.order-2"), letter("default.order-3"));
    await log.append(stream, [ownEvent(newId, list.type, list.data)], "none");
    expect([counted.deliveries.of("desk", "replayed"), counted.replayItems.of("succeeded")]).toMatchObject([{ value: 3 }, { value: 3 }]);
  });

  it("makes the rows that records of their own make, beside such records of an earlier build", async () => {
    const shown = [];
    for (const inList of [true, false]) {
      const { configure, paid, journal, open, replay } = makeViewsFixture();
      await configure("ledger");
      const events = [];
      for (const id of ["1", "2", "3"]) events.push((await paid(`default.order-${id}`, 1, { id: `0198c0de-0000-7000-8000-00000000000${id}` }))[0]!);
      const error = { type: "Error", message: "no" };
      const failed = { attempts: 1, retryCount: 1, cause: "exhausted", error, chain: "c", escalated: false, record: null } as const;
      const pointers = events.map(({ stream: lane, revision, position, id }) => ({ lane, revision, at: position.toString(), eventId: id }));
      await journal("ledger", ...pointers.map((pointer): JournalEvent => ({ type: "delivery.dead_lettered", data: { ...pointer, ...failed } })));
      const requested = { kind: "batch", actor: "ann", reason: "mended", ratePerSecond: 5, total: 3, filter: null } as const;
      await replay("r1", "replay.requested", { replayId: "r1", ...requested });
      const rows = pointers.map(({ lane, revision, at, eventId }): ReplayedLetter => [lane, revision, at, eventId, "dead_lettered", record, null]);
      const [first, ...others] = rows;
      await journal("ledger", settled("r1", first!), ...(inList ? [told("r1", ...others)] : others.map((row) => settled("r1", row))));
      const views = await open();
      shown.push({
        deliveries: await Promise.all(events.map(async ({ id }) => (await views.event("default", id))!.deliveries)),
        replay: await views.replay("default", "r1"),
        stats: await views.deadLetterStats({ tenant: "default" }),
        handlers: (await views.handlers()).map(({ waiting, done }) => ({ waiting, done })),
      });
    }
    expect(shown[0]).toEqual(shown[1]);
    expect(shown[0]).toMatchObject({
      replay: { succeeded: 3 },
      stats: { total: 0 },
      deliveries: [[{ status: "replayed" }], [{ status: "replayed" }], [{ status: "replayed" }]],
    });
  });
});
