/** Requests that may come again: who begins one, what is kept of it and for how long, and what becomes of it when a process ends in the middle. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRepriseError, RepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import { forgottenStream, requestStream } from "../../src/event/names.ts";
import type { Beats } from "../../src/log/beats.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { keptMs } from "../../src/store/requests/claim.ts";
import { makeForgetting } from "../../src/store/requests/forget.ts";
import { makeOtherLives } from "../../src/store/requests/other-lives.ts";
import type { KeptAnswer } from "../../src/store/requests/request-log.ts";
import { type BegunRequest, makeRequests, type Requests, type RequestsNeeds } from "../../src/store/requests/requests.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { size } from "../support/sizes.ts";

const { signal } = new AbortController();
const asked = { id: "a1", asks: "x" };
const answer: KeptAnswer = { status: 201, headers: { "content-type": "application/json" }, body: '{"a":1}' };

function open(log: EventLog, clock: FakeClock, more: Partial<RequestsNeeds> = {}): Requests {
  const others = makeOtherLives({ log, clock, signal });
  return makeRequests({ log, clock, newId, life: newId(), others, onUnkept: () => {}, onFirst: async () => {}, signal, ...more });
}

async function begin(requests: Requests, of = asked): Promise<BegunRequest> {
  const begun = await requests.begin(of);
  if ("body" in begun) throw new Error("It is answered already.");
  return begun;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error: unknown) => (isRepriseError(error) ? error.code : error),
  );

describe("a request", () => {
  it("is begun by one of those who ask at once, in one process and in many", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    const many = Array.from({ length: 50 }, () => open(log, clock, { others: { isGone: async () => false } }));
    const ends = await Promise.all(many.map((requests) => codeOf(requests.begin(asked))));
    expect(ends.filter((end) => end === "IDEMPOTENCY_IN_PROGRESS")).toHaveLength(49);
    const one = many[ends.findIndex((end) => typeof end === "object")]!;
    expect(await Promise.all(Array.from({ length: 50 }, () => codeOf(one.begin(asked))))).toEqual(Array(50).fill("IDEMPOTENCY_IN_PROGRESS"));
    expect(await codeOf(one.begin({ ...asked, asks: "y" }))).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it("has the answer that was stored, for whoever asks and after a restart, and no other question gets it", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    const requests = open(log, clock);
    expect(await (await begin(requests)).answer(answer)).toBe(answer);
    for (const each of [requests, open(log.reopen(), clock)]) {
      expect(await each.begin(asked)).toEqual(answer);
      expect(await codeOf(each.begin({ ...asked, asks: "y" }))).toBe("IDEMPOTENCY_KEY_REUSED");
      expect(await begin(each, { id: newId(), asks: "x" })).toMatchObject({ once: { isAgain: false } });
    }
  });

  it("without an answer is the same act when it comes again", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    const requests = open(log, clock);
    const first = await begin(requests);
    expect([first.once.isAgain, await first.once.records()]).toEqual([false, []]);
    first.leave();
    const again = await begin(requests);
    const elsewhere = await begin(open(log.reopen(), clock));
    for (const { once } of [again, elsewhere]) {
      expect([once.actId, once.isAgain, once.eventId(0), once.eventId(1)]).toEqual([first.once.actId, true, first.once.eventId(0), first.once.eventId(1)]);
      expect(once.eventId(0)).not.toBe(once.eventId(1));
    }
    expect((await begin(requests, { ...asked, id: "a2" })).once.eventId(0)).not.toBe(first.once.eventId(0));
    expect(await codeOf(open(log, clock).begin({ ...asked, asks: "y" }))).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it("is free after a day, also when it has no answer, and not before, wherever the clock goes", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    const requests = open(log, clock);
    const first = await begin(requests);
    await first.answer(answer);
    const open2 = await begin(requests, { id: "a2", asks: "x" });
    open2.leave();
    const back = { ...clock, now: () => clock.now() - 10 * keptMs };
    expect(await open(log, back as FakeClock).begin(asked)).toEqual(answer);
    await clock.advance(keptMs - 1);
    expect(await requests.begin(asked)).toEqual(answer);
    await clock.advance(1);
    const later = await begin(requests, { ...asked, asks: "y" });
    expect([later.once.isAgain, later.once.actId === first.once.actId]).toEqual([false, false]);
    await later.answer({ ...answer, body: "2" });
    expect(await requests.begin({ ...asked, asks: "y" })).toMatchObject({ body: "2" });
    expect((await begin(requests, { id: "a2", asks: "z" })).once.isAgain).toBe(false);
  });

  it("keeps a day from its first try, not from the one that took over", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    (await begin(open(log, clock))).leave();
    await clock.advance(keptMs / 2);
    const next = open(log, clock);
    await (await begin(next)).answer(answer);
    await clock.advance(keptMs / 2);
    expect((await begin(next, { ...asked, asks: "y" })).once.isAgain).toBe(false);
  });
});

describe("an answer", () => {
  it("of any length comes back as it was, and counts when its last part is there", async () => {
    const piece = fc.constantFrom("x".repeat(299_999), "\ud83d\ude00", '\u0000\\"', "ü".repeat(150_000), "{", "");
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.nat({ max: 4 }), async (pieces, endsAfter) => {
        const clock = makeFakeClock();
        const log = openMemoryLog({ clock });
        let left = Number.POSITIVE_INFINITY;
        const dying: EventLog = { ...log, append: async (...of) => (left-- > 0 ? log.append(...of) : Promise.reject(new RepriseError("CLOSED", "Ended."))) };
        const body = pieces.join("");
        const begun = await begin(open(dying, clock));
        left = endsAfter;
        await begun.answer({ ...answer, body });
        const parts = Math.max(1, Math.ceil(body.length / 300_000));
        const next = open(log.reopen(), clock);
        const found = await next.begin(asked);
        if (endsAfter >= parts + 1) expect(found).toEqual({ ...answer, body });
        if ("body" in found) {
          expect(found.body).toBe(body);
          return;
        }
        expect(await found.answer({ ...answer, body: "later" })).toMatchObject({ body: "later" });
        expect(await next.begin(asked)).toMatchObject({ body: "later" });
      }),
      { numRuns: size(25, 500) },
    );
  });

  it("that the log does not take is given, told of, and the request is done again when it comes again", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    let away = false;
    const failing: EventLog = { ...log, append: async (...of) => (away ? Promise.reject(new RepriseError("LOG_FULL", "Full.")) : log.append(...of)) };
    const told: unknown[] = [];
    const requests = open(failing, clock, { onUnkept: (error) => told.push(error) });
    const begun = await begin(requests);
    away = true;
    const answering = begun.answer(answer);
    await clock.advance(10_000);
    expect([await answering, told.length]).toEqual([answer, 1]);
    expect(await codeOf(requests.begin({ id: "other", asks: "x" }))).toBe("LOG_FULL");
    away = false;
    expect((await begin(requests)).once.isAgain).toBe(true);
  });

  it("that was stored, and told as lost, is stored once", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    let lost = 0;
    const unclear: EventLog = {
      ...log,
      async append(...of) {
        const stored = await log.append(...of);
        if (lost-- > 0) throw new RepriseError("LOG_UNAVAILABLE", "Away.");
        return stored;
      },
    };
    const requests = open(unclear, clock);
    const begun = await begin(requests);
    lost = 1;
    const body = "x".repeat(700_000);
    const answering = begun.answer({ ...answer, body });
    await clock.advance(1000);
    expect((await answering).body).toBe(body);
    expect(await log.streamRevision(requestStream(asked.id))).toBe(4);
    expect(await requests.begin(asked)).toEqual({ ...answer, body });
  });
});

describe("an unanswered request", () => {
  it("of an instance that gives signs of life is in progress, and is done again once it gives none", async () => {
    const clock = makeFakeClock();
    const memory = openMemoryLog({ clock });
    let beat = 0;
    let living = true;
    const last = async () => (living ? ++beat : beat);
    const beats: Beats = { beat: async () => 0, last, heard: async () => ({ number: await last(), says: {} }) };
    const log: EventLog = Object.assign({ ...memory }, { beats });
    (await begin(open(log, clock))).leave();
    const here = open(log, clock);
    const early = codeOf(here.begin(asked));
    await clock.advance(2000);
    expect(await early).toBe("IDEMPOTENCY_IN_PROGRESS");
    living = false;
    const taken = begin(here);
    expect(await codeOf(here.begin(asked))).toBe("IDEMPOTENCY_IN_PROGRESS");
    await clock.advance(12_000);
    expect((await taken).once.isAgain).toBe(true);
  });
});

describe("requests of long ago", () => {
  it("are removed from the log, those that still count are not, and a log without any is not read", async () => {
    const clock = makeFakeClock();
    const log = openMemoryLog({ clock });
    const forgetting = makeForgetting({ log, clock, newId, onTrouble: () => {}, signal });
    expect(await forgetting.sweep()).toBe(0);
    expect(await log.streamRevision(forgottenStream)).toBe(-1);
    const requests = open(log, clock, { onFirst: forgetting.begun });
    for (let n = 0; n < 100; n++) await (await begin(requests, { id: `old${n}`, asks: "x" })).answer(answer);
    await clock.advance(keptMs / 2);
    for (let n = 0; n < 10; n++) await (await begin(requests, { id: `new${n}`, asks: "x" })).answer(answer);
    expect(await forgetting.sweep()).toBe(0);
    await clock.advance(keptMs / 2 + 1);
    await (await begin(requests, { id: "old7", asks: "y" })).answer(answer);
    // A stream whose events stand in two batches counts twice.
    expect(await forgetting.sweep()).toBeGreaterThanOrEqual(100);
    const left: string[] = [];
    for await (const batch of log.readAll({ filter: { streamPrefixes: [requestStream("")] } })) left.push(...batch.map(({ stream }) => stream));
    expect(new Set(left)).toEqual(new Set([...Array.from({ length: 10 }, (_, n) => requestStream(`new${n}`)), requestStream("old7")]));
    expect([await requests.begin({ id: "old7", asks: "y" }), await requests.begin({ id: "new3", asks: "x" })]).toEqual([answer, answer]);
    expect((await begin(requests, { id: "old8", asks: "z" })).once.isAgain).toBe(false);
    expect(await forgetting.sweep()).toBe(0);
  });
});
