import { describe, expect, it } from "vitest";
import { maxResultBytes } from "../../src/delivery/effects/effect-result.ts";
import { type EffectsOf, maxEffects } from "../../src/delivery/effects/effect-scope.ts";
import { makeEffects } from "../../src/delivery/effects/effects.ts";
import { RepriseError } from "../../src/errors.ts";
import type { CurrentEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { effectsStream, isEntityStream, parseStreamName, streamName } from "../../src/event/names.ts";
import { tenantOf } from "../../src/log/append-rules.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

const event: CurrentEvent = {
  ...{ id: "0198c0de-0000-7000-8000-000000000001", type: "order.placed", schemaVersion: 1, entity: { type: "order", id: "1" }, tenant: "default" },
  ...{ source: null, occurredAt: null, recordedAt: "2026-01-01T00:00:00.000Z", data: {}, metadata: { priority: "normal" } },
  ...{ revision: 3, position: "7", origin: null },
};
const stream = "reprise.effects-payment-default.order-1-3";

function bench() {
  const clock = makeFakeClock();
  const log = openMemoryLog({ clock });
  const state = { reads: 0, failing: 0 };
  const watched: EventLog = {
    ...log,
    readStream(name, options) {
      state.reads++;
      return log.readStream(name, options);
    },
    async append(name, events, expected) {
      if (state.failing > 0) {
        state.failing--;
        throw new RepriseError("LOG_UNAVAILABLE", "away");
      }
      return log.append(name, events, expected);
    },
  };
  const signal = new AbortController();
  const effects = makeEffects({ handler: "payment", log: watched, clock, newId });
  const open = (of: Partial<EffectsOf> = {}) => {
    const scope = effects.open({ event, mayBeRecorded: true, replay: null, attempt: 1, ...of });
    return Object.assign(scope, { effect: <T>(key: string, run: () => Promise<T> | T, on = signal.signal) => scope.run(key, run, on) });
  };
  const rows = async () => {
    const all = [];
    for await (const batch of log.readStream(stream)) all.push(...batch.map(({ data, revision }) => ({ ...(data as object), at: revision })));
    return all;
  };
  return { clock, log, state, signal, open, rows, effects };
}

/** Counts its runs. */
function counted<T>(result: (run: number) => T) {
  let runs = 0;
  return Object.assign(() => result(++runs), { runs: () => runs });
}

describe("an effect", () => {
  it("runs once over attempts, and each gets what the first one got", async () => {
    const { open, rows } = bench();
    const charge = counted((run) => ({ id: `c-${run}` }));
    for (let attempt = 1; attempt <= 3; attempt++) {
      const scope = open({ attempt, mayBeRecorded: attempt > 1 });
      expect(await scope.effect("charge", charge)).toEqual({ id: "c-1" });
      expect(await scope.effect("charge", charge)).toEqual({ id: "c-1" });
      scope.close();
    }
    expect(charge.runs()).toBe(1);
    const [recorded, ...others] = await rows();
    expect(recorded).toEqual({
      handler: "payment",
      lane: "default.order-1",
      revision: 3,
      eventId: event.id,
      key: "charge",
      attempt: 1,
      result: { id: "c-1" },
      at: 0,
    });
    expect(others).toEqual([]);
  });

  it("that throws is not recorded, and runs again", async () => {
    const { open, rows } = bench();
    const flaky = counted((run) => (run === 1 ? Promise.reject(new RangeError("declined")) : "ok"));
    await expect(open().effect("charge", flaky)).rejects.toThrow(RangeError);
    expect(await rows()).toEqual([]);
    expect(await open().effect("charge", flaky)).toBe("ok");
    expect(await open().effect("charge", flaky)).toBe("ok");
    expect(flaky.runs()).toBe(2);
  });

  it("looks into the log only where something may be on record", async () => {
    const { open, state } = bench();
    const first = open({ mayBeRecorded: false });
    for (const key of ["a", "b", "c"]) await first.effect(key, () => key);
    expect(state.reads).toBe(0);
    first.close();
    const second = open();
    for (const key of ["a", "b", "c"]) await second.effect(key, () => "again");
    expect(state.reads).toBe(1);
    open().close(); // without effects
    expect(state.reads).toBe(1);
  });

  it("is shared by all who ask for it at once; others run beside it, and are recorded one after another", async () => {
    const { open, rows } = bench();
    const scope = open({ mayBeRecorded: false });
    const gate = Promise.withResolvers<string>();
    const slow = counted(() => gate.promise);
    const asked = [scope.effect("slow", slow), scope.effect("slow", slow), scope.effect("quick", () => 1), scope.effect("other", () => 2)];
    gate.resolve("done");
    expect(await Promise.all(asked)).toEqual(["done", "done", 1, 2]);
    expect(slow.runs()).toBe(1);
    expect((await rows()).map(({ at }) => at)).toEqual([0, 1, 2]);
  });

  it("that outlives its attempt is joined by the next one, and recorded", async () => {
    const { open, rows } = bench();
    const gate = Promise.withResolvers<string>();
    const slow = counted(() => gate.promise);
    const [first, second] = [new AbortController(), new AbortController()];
    const one = open();
    const late = one.effect("charge", slow, first.signal);
    await expect.poll(() => slow.runs()).toBe(1);
    first.abort();
    one.close();
    const again = open({ attempt: 2 }).effect("charge", slow, second.signal);
    gate.resolve("c-1");
    expect(await Promise.all([late, again])).toEqual(["c-1", "c-1"]);
    expect(slow.runs()).toBe(1);
    expect(await rows()).toMatchObject([{ attempt: 1 }]);
    await expect(one.effect("more", () => 1)).rejects.toMatchObject({ name: "EffectRefused" });
    await expect(open().effect("more", () => 1, first.signal)).rejects.toThrow(/effect "more" was not run: the attempt is over/);
  });

  it("that another process recorded meanwhile gives that result", async () => {
    const { open, log, rows } = bench();
    const theirs = bench();
    const other = makeEffects({ handler: "payment", log, clock: theirs.clock, newId }).open({ event, mayBeRecorded: true, replay: null, attempt: 1 });
    const mine = open({ mayBeRecorded: false });
    await other.run("a", () => "theirs", theirs.signal.signal);
    expect(await mine.effect("a", () => "mine")).toBe("theirs");
    expect(await mine.effect("b", () => "mine")).toBe("mine");
    expect((await rows()).length).toBe(2);
  });

  it("waits for a log that is away, until the attempt's time is up", async () => {
    const { open, state, clock, signal } = bench();
    state.failing = 3;
    const pay = counted(() => "paid");
    const paying = open({ mayBeRecorded: false }).effect("pay", pay);
    await clock.advance(100 + 200 + 400);
    expect(await paying).toBe("paid");
    expect(pay.runs()).toBe(1);
    state.failing = Number.POSITIVE_INFINITY;
    const lost = open().effect("later", pay);
    await clock.advance(10_000);
    signal.abort();
    await expect(lost).rejects.toMatchObject({ code: "LOG_UNAVAILABLE" });
  });

  it("gives its result as JSON keeps it, also when there is none", async () => {
    const { open } = bench();
    const results = { nothing: undefined, null: null, date: new Date(0), part: { a: undefined, b: [1] } };
    for (let attempt = 1; attempt <= 2; attempt++) {
      const scope = open({ attempt });
      expect(await scope.effect("nothing", () => results.nothing)).toBeUndefined();
      expect(await scope.effect("null", () => results.null)).toBeNull();
      expect(await scope.effect("date", () => results.date)).toBe("1970-01-01T00:00:00.000Z");
      expect(await scope.effect("part", () => results.part)).toEqual({ b: [1] });
      scope.close();
    }
  });

  it.each<[string, unknown, unknown, RegExp]>([
    ["no text", 7, () => 1, /key is a text of 1 to 256/],
    ["an empty key", "", () => 1, /key is a text/],
    ["a long key", "k".repeat(257), () => 1, /key is a text/],
    ["half a character", "\ud800", () => 1, /key is a text/],
    ["no function", "k", "mail", /the second argument is the function/],
    ["a result that is no JSON", "k", () => 1n, /ran, but its result is no JSON/],
    ["a function as result", "k", () => () => 1, /ran, but its result is no JSON/],
    ["a result that is too large", "k", () => "x".repeat(maxResultBytes), /ran, but its result has 65538 bytes/],
  ])("with %s is terminal", async (_name, key, effect, words) => {
    const { open, rows } = bench();
    const error: unknown = await open()
      .effect(key as string, effect as () => unknown)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "Terminal", message: expect.stringMatching(words) });
    expect(await rows()).toEqual([]);
  });

  it("is refused when the event has 256 effects already", async () => {
    const { open } = bench();
    const scope = open({ mayBeRecorded: false });
    for (let index = 0; index < maxEffects; index++) await scope.effect(`k${index}`, () => index);
    await expect(scope.effect("one more", () => 1)).rejects.toMatchObject({ name: "Terminal" });
    expect(await scope.effect("k7", () => -1)).toBe(7);
  });

  it("is another one for each part of a split event", async () => {
    const { open } = bench();
    const part = (index: number): CurrentEvent => ({ ...event, id: newId(), origin: { id: event.id, part: index, of: 2 } });
    const ship = counted((run) => run);
    expect([await open({ event: part(0) }).effect("ship", ship), await open({ event: part(1) }).effect("ship", ship), await open({ event: part(0) }).effect("ship", ship)]).toEqual([1, 2, 1]); // biome-ignore format: one line
  });
});

describe("an effect of a replay", () => {
  const replay = (id: string, effects: "once" | "again" = "once", mode: "run" | "dry_run" = "run") => ({ replay: { id, mode, effects } });

  it("is the one on record; with `again` it runs once more, once for the replay, and the newest is what counts", async () => {
    const { open, rows } = bench();
    const charge = counted((run) => `c-${run}`);
    expect(await open({ mayBeRecorded: false }).effect("charge", charge)).toBe("c-1");
    expect(await open(replay("r-1")).effect("charge", charge)).toBe("c-1");
    expect(await open(replay("r-2", "again")).effect("charge", charge)).toBe("c-2");
    expect(await open(replay("r-2", "again")).effect("charge", charge)).toBe("c-2"); // its retry
    expect(await open(replay("r-3")).effect("charge", charge)).toBe("c-2");
    expect(await open(replay("r-4", "again")).effect("charge", charge)).toBe("c-3");
    expect(await open().effect("charge", charge)).toBe("c-3");
    expect(charge.runs()).toBe(3);
    expect((await rows()).map((row) => (row as { replayId?: string }).replayId)).toEqual([undefined, "r-2", "r-4"]);
  });

  it("is asked for and not run in a dry run, which gives what is on record", async () => {
    const { open, rows } = bench();
    await open({ mayBeRecorded: false }).effect("charge", () => "c-1");
    const dry = open(replay("r-1", "again", "dry_run"));
    const mail = counted(() => "sent");
    expect([await dry.effect("charge", mail), await dry.effect("mail", mail)]).toEqual([undefined, undefined]);
    expect(dry.asked()).toEqual([
      { key: "charge", recorded: false },
      { key: "mail", recorded: false },
    ]);
    const once = open(replay("r-2", "once", "dry_run"));
    expect(await once.effect("charge", mail)).toBe("c-1");
    expect(once.asked()).toEqual([{ key: "charge", recorded: true }]);
    expect(mail.runs()).toBe(0);
    expect((await rows()).length).toBe(1);
  });
});

it("has a stream whose name is no entity's, and fits whatever it is named after", () => {
  const longest = streamName("t".repeat(64), { type: "e".repeat(64), id: "i".repeat(256) });
  const name = effectsStream("h".repeat(63), longest, Number.MAX_SAFE_INTEGER);
  expect(name.length).toBe(483);
  expect(tenantOf(name)).toBe("reprise");
  expect(isEntityStream(name)).toBe(false);
  expect(isEntityStream(stream)).toBe(false);
  expect(parseStreamName(stream)).toEqual({ tenant: "reprise", entity: { type: "effects", id: "payment-default.order-1-3" } });
});
