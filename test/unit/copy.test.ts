import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, NewEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { forgottenStream, requestStream } from "../../src/event/names.ts";
import { copyLog } from "../../src/log/copy/copy.ts";
import { refuseUnfinishedCopy } from "../../src/log/copy/copy-marker.ts";
import { type CopyOptions, type CopyProgress, CopyRefused, type CopyReport } from "../../src/log/copy/copy-options.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";

const anEvent = (data: Json = { n: 1 }, metadata: NewEvent["metadata"] = { priority: "normal" }): NewEvent => ({
  id: newId(),
  type: "order.placed",
  schemaVersion: 1,
  source: "agent",
  occurredAt: "2026-01-01T00:00:00.000Z",
  data,
  metadata,
});
const progress = (checkpoint: bigint, ahead: readonly (readonly [string, number, string])[] = []) =>
  ownEvent(newId, "progress", { checkpoint: checkpoint.toString(), ahead });
const journal = "reprise.journal-ledger-1-0";

const copy = (source: EventLog, target: EventLog, options: Partial<CopyOptions> = {}): Promise<CopyReport> =>
  copyLog({ source, target, together: true, verify: true, signal: new AbortController().signal, onProgress: () => {}, ...options });

async function all(log: EventLog): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const batch of log.readAll()) events.push(...batch);
  return events.filter(({ stream }) => stream !== "reprise.log" && stream !== "reprise.copy");
}
/** All of an event that is no log's own. */
const kept = ({ position: _position, ...rest }: StoredEvent) => rest;
const placeOf = (events: readonly StoredEvent[], id: string) => events.find((event) => event.id === id)!.position;

/** A log that fails once it has taken so many appends, as a server that goes away; what is stored stays. */
function failingAfter(log: EventLog, appends: number): EventLog {
  let left = appends;
  return { ...log, append: async (...args) => (left-- > 0 ? log.append(...args) : Promise.reject(new Error("gone"))) };
}

describe("a copy of a log", () => {
  it.each([true, false])("has the same events with ids and revisions in the same order (together: %s)", async (together) => {
    const source = openMemoryLog();
    const metadata = { priority: "high", correlationId: "c", callChain: ["agent"], extensions: { b: 1, a: "x" } } as const;
    await source.append("shop.order-1", [anEvent(), anEvent({ text: "ü\u0000", nested: [{ b: 1, a: null }] }, metadata)], "none");
    await source.append("other.order-1", [anEvent()], "none");
    await source.append("shop.order-1", [anEvent()], 1);
    await source.append("reprise.views", [ownEvent(newId, "views.rebuild_requested", { act: { actor: "local", reason: null } })], "none");
    const target = openMemoryLog();
    const report = await copy(source, target, { together });
    expect(report).toMatchObject({ copied: 5, present: 0, passedOver: 0, complete: true, verified: { streams: 3, events: 5, differing: { total: 0 } } });
    expect((await all(target)).map(kept)).toEqual((await all(source)).map(kept));
    expect(target.logId).not.toBe(source.logId);
  });

  it("says of every position in a journal the event that it was in the source", async () => {
    const source = openMemoryLog();
    await source.append("elsewhere", [], "any").catch(() => {}); // not a stream of ours
    await source.append("Foreign.thing-1", [anEvent(), anEvent(), anEvent()], "any");
    const [first, second] = await source.append("shop.order-1", [anEvent(), anEvent()], "none");
    await source.append(journal, [progress(0n), progress(second!.position, [["shop.order-1", 1, first!.position.toString()]])], "none");
    const [own] = await source.append(journal, [progress(second!.position)], 1);
    await source.append(journal, [progress(own!.position)], 2);
    const target = openMemoryLog();
    expect(await copy(source, target)).toMatchObject({ copied: 6, passedOver: 3, verified: { differing: { total: 0 } } });
    const events = await all(target);
    const [one, two] = [placeOf(events, first!.id), placeOf(events, second!.id)].map(String);
    expect(two).not.toBe(second!.position.toString());
    expect(events.filter(({ stream }) => stream === journal).map(({ data }) => data)).toEqual([
      { checkpoint: "0", ahead: [] },
      { checkpoint: two, ahead: [["shop.order-1", 1, one]] },
      { checkpoint: two, ahead: [] },
      { checkpoint: two, ahead: [] }, // the position of an event of ours: the last entity's event before it
    ]);
  });

  it("leaves out answers to requests, which name the source's positions, and does not count them", async () => {
    const source = openMemoryLog();
    await source.append("shop.order-1", [anEvent()], "none");
    await source.append(requestStream("ab"), [ownEvent(newId, "request.begun", {}), ownEvent(newId, "request.answered", {})], "none");
    await source.append(forgottenStream, [ownEvent(newId, "requests.forgotten", { through: "3" })], "none");
    await source.truncate(requestStream("ab"), 1);
    const target = openMemoryLog();
    expect(await copy(source, target)).toMatchObject({ copied: 1, passedOver: 0, complete: true });
    expect((await all(target)).map(({ stream }) => stream)).toEqual(["shop.order-1"]);
  });

  it("is there once, however often it is made, and takes in what came since", async () => {
    const source = openMemoryLog();
    await source.append("shop.order-1", [anEvent(), anEvent()], "none");
    const target = openMemoryLog();
    const first = await copy(source, target);
    const second = await copy(source, target);
    expect(second).toEqual({ ...first, copied: 0, present: 2 });
    await source.append("shop.order-1", [anEvent()], 1);
    expect(await copy(source, target)).toMatchObject({ copied: 1, present: 2 });
    expect((await all(target)).map(kept)).toEqual((await all(source)).map(kept));
  });

  it("goes on wherever it was cut off, to the same copy", async () => {
    const step = fc.record({ lane: fc.integer({ min: 0, max: 3 }), events: fc.integer({ min: 1, max: 4 }), journal: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), fc.array(fc.nat(12), { maxLength: 4 }), fc.boolean(), async (steps, cuts, together) => {
        const source = openMemoryLog({ batchSize: 5 });
        for (const { lane, events, journal: writes } of steps) {
          const appended = await source.append(
            `shop.order-${lane}`,
            Array.from({ length: events }, () => anEvent()),
            "any",
          );
          if (writes) await source.append(journal, [progress(appended[0]!.position), progress(await source.head())], "any");
        }
        const whole = await copy(source, openMemoryLog());
        const target = openMemoryLog({ batchSize: 3 });
        for (const cut of cuts) await copy(source, failingAfter(target, cut), { together: false }).catch(() => {});
        const resumed = await copy(source, target, { together });
        expect(resumed.verified).toEqual(whole.verified);
        expect(resumed.copied + resumed.present).toBe(whole.copied);
      }),
      { numRuns: 60 },
    );
  });

  it("ends between two appends when it is told to, and says so", async () => {
    const source = openMemoryLog();
    for (let n = 0; n < 30; n++)
      await source.append(
        `shop.order-${n}`,
        Array.from({ length: 100 }, () => anEvent()),
        "none",
      );
    const target = openMemoryLog();
    const stop = new AbortController();
    const seen: CopyProgress[] = [];
    const onProgress = (each: CopyProgress) => {
      seen.push(each);
      if (each.phase === "copying") stop.abort();
    };
    const report = await copy(source, target, { signal: stop.signal, onProgress });
    expect(report).toMatchObject({ complete: false, verified: null, present: 0 });
    expect(report.copied).toBeLessThan(3000);
    expect(seen.at(-1)).toEqual({ phase: "copying", events: 1000, total: 3000 });
    const { copied, present, complete } = await copy(source, target);
    expect({ sum: copied + present, complete }).toEqual({ sum: 3000, complete: true });
  });

  it("of one tenant finds an amendment where the journal closed up, and takes that tenant's effects", async () => {
    const source = openMemoryLog();
    const about = (tenant: string) => ({ lane: `${tenant}.order-1`, revision: 0, at: "1", eventId: "e" });
    const amended = (tenant: string) =>
      ownEvent(newId, "delivery.amended", {
        ...about(tenant),
        data: { tenant },
        before: "dead_lettered",
        replaces: "stored",
        act: { actor: "a", reason: null },
      });
    const effect = (tenant: string) => ownEvent(newId, "effect.recorded", { ...about(tenant), handler: "ledger", key: "k", attempt: 1 });
    for (const tenant of ["theirs", "ours"]) {
      await source.append(`${tenant}.order-1`, [anEvent()], "none");
      await source.append(`reprise.effects-ledger-${tenant}.order-1-0`, [effect(tenant)], "none");
    }
    await source.append(journal, [amended("theirs"), amended("theirs"), amended("ours")], "none");
    const letter = { revision: 0, at: "1", eventId: "e", attempts: 1, escalated: false, replay: null, amended: { revision: 2, replayId: null } };
    const lanes = [{ lane: "ours.order-1", next: 1, at: "1", detached: true, why: null, attempts: 0, retryAt: null, letters: [letter] }];
    const snapshot = { set: "s", part: 0, parts: 1, checkpoint: "1", clean: true, readAhead: 1, lanes, started: [] };
    await source.append(journal, [ownEvent(newId, "snapshot", snapshot)], 2);
    const target = openMemoryLog();
    expect(await copy(source, target, { tenant: "ours" })).toMatchObject({ copied: 4, verified: { differing: { total: 0 } } });
    const events = await all(target);
    expect(events.map(({ stream, type, revision }) => [stream, type, revision])).toEqual([
      ["ours.order-1", "order.placed", 0],
      ["reprise.effects-ledger-ours.order-1-0", "effect.recorded", 0],
      [journal, "delivery.amended", 0],
      [journal, "snapshot", 1],
    ]);
    expect(events[3]!.data).toMatchObject({ lanes: [{ letters: [{ amended: { revision: 0, replayId: null } }] }] });
  });

  it("of one tenant has that tenant's entities, and of the journals what is about them", async () => {
    const source = openMemoryLog();
    const [theirs] = await source.append("theirs.order-1", [anEvent(), anEvent()], "none");
    const [ours] = await source.append("ours.order-1", [anEvent()], "none");
    const lane = (stream: string, at: bigint) => ownEvent(newId, "lane.detached", { lane: stream, next: 0, at: at.toString(), why: "slow" });
    await source.append(journal, [lane("theirs.order-1", theirs!.position), lane("ours.order-1", ours!.position), progress(await source.head())], "none");
    for (const [id, stream] of [
      ["1", "theirs.order-1"],
      ["2", "ours.order-1"],
    ] as const) {
      const item = { handler: "ledger", lane: stream, revision: 0, at: "1", eventId: "e", attempts: 1 };
      const request = { replayId: id, kind: "single", actor: "local", reason: null, ratePerSecond: null, total: 1, filter: null };
      await source.append(`reprise.replay-${id}`, [ownEvent(newId, "replay.requested", request), ownEvent(newId, "replay.items", { items: [item] })], "none");
    }
    const target = openMemoryLog();
    expect(await copy(source, target, { tenant: "ours" })).toMatchObject({ copied: 5, passedOver: 0, verified: { differing: { total: 0 } } });
    const events = await all(target);
    expect(events.map(({ stream, revision }) => `${stream}@${revision}`)).toEqual([
      "ours.order-1@0",
      `${journal}@0`,
      `${journal}@1`,
      "reprise.replay-2@0",
      "reprise.replay-2@1",
    ]);
    const at = placeOf(events, ours!.id).toString();
    expect(events.slice(1, 3).map(({ data }) => data)).toEqual([
      { lane: "ours.order-1", next: 0, at, why: "slow" },
      { checkpoint: at, ahead: [] },
    ]);
    expect(await copy(source, target, { tenant: "ours" })).toMatchObject({ copied: 0, present: 5 });
  });

  it("names the streams that differ", async () => {
    const source = openMemoryLog();
    await source.append("shop.order-1", [anEvent({ n: 1 })], "none");
    await source.append("shop.order-2", [anEvent({ n: 2 })], "none");
    await source.append("shop.order-3", [anEvent({ n: 3 })], "none");
    const inner = openMemoryLog();
    const target: EventLog = {
      ...inner,
      append: (stream, events, ...rest) =>
        inner.append(stream, stream === "shop.order-2" ? events.map((event) => ({ ...event, data: { n: 0 } })) : events, ...rest),
    };
    const { verified } = await copy(source, target);
    expect(verified).toMatchObject({ streams: 3, events: 3, differing: { streams: ["shop.order-2"], total: 1 } });
  });
});

describe("the marks of a copy", () => {
  const marks = async (log: EventLog) => {
    const types: string[] = [];
    for await (const batch of log.readStream("reprise.copy")) types.push(...batch.map(({ type }) => type));
    return types;
  };
  const filled = async () => {
    const source = openMemoryLog();
    for (let n = 0; n < 3; n++)
      await source.append(
        `shop.order-${n}`,
        Array.from({ length: 1000 }, () => anEvent()),
        "none",
      );
    return source;
  };

  it("say that it was begun until it is whole, over as many runs as that takes; one that brings nothing leaves none", async () => {
    const source = await filled();
    const target = openMemoryLog();
    await expect(copy(source, failingAfter(target, 2), { together: false })).rejects.toThrow("gone");
    expect(await marks(target)).toEqual(["copy.begun"]);
    await expect(refuseUnfinishedCopy(target)).rejects.toMatchObject({ code: "COPY_UNFINISHED" });
    await expect(copy(source, failingAfter(target, 1), { together: false })).rejects.toThrow("gone");
    await expect(refuseUnfinishedCopy(target)).rejects.toMatchObject({ code: "COPY_UNFINISHED" });
    await copy(source, target);
    expect(await marks(target)).toEqual(["copy.begun", "copy.ended"]);
    await refuseUnfinishedCopy(target);
    await copy(source, target);
    expect(await marks(target)).toEqual(["copy.begun", "copy.ended"]);
    await source.append("shop.order-9", [anEvent()], "none");
    await copy(source, target, { verify: false });
    expect(await marks(target)).toEqual(["copy.begun", "copy.ended", "copy.begun", "copy.ended"]);
    expect(await copy(target, openMemoryLog())).toMatchObject({ copied: 3001, passedOver: 0, verified: { differing: { total: 0 } } });
  });

  it("do not say that it has ended where the comparison was cut off or found differences", async () => {
    const source = await filled();
    const target = openMemoryLog();
    const stop = new AbortController();
    await copy(source, target, { signal: stop.signal, onProgress: ({ phase }) => phase === "verifying" && stop.abort() });
    expect(await marks(target)).toEqual(["copy.begun"]);
    expect(await copy(source, target)).toMatchObject({ copied: 0, present: 3000, complete: true });
    expect(await marks(target)).toEqual(["copy.begun", "copy.ended"]);
  });

  it("keep an unfinished copy from being copied itself", async () => {
    const source = await filled();
    const half = openMemoryLog();
    await copy(source, failingAfter(half, 2), { together: false }).catch(() => {});
    await expect(copy(half, openMemoryLog())).rejects.toThrow(CopyRefused);
  });
});

describe("a copy is refused", () => {
  const refuses = async (source: EventLog, target: EventLog, words: RegExp) => {
    const before = await target.head();
    const error = await copy(source, target).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CopyRefused);
    expect((error as Error).message).toMatch(words);
    expect(await target.head()).toBe(before);
  };

  it("from a stream whose beginning is gone, before anything is stored", async () => {
    const source = openMemoryLog();
    await source.append("shop.order-1", [anEvent()], "none");
    await source.append("shop.order-2", [anEvent(), anEvent()], "none");
    await source.truncate("shop.order-2", 1);
    await refuses(source, openMemoryLog(), /^shop\.order-2 has no event at revision 0/);
  });

  it("into a log that holds other events, or more", async () => {
    const source = openMemoryLog();
    await source.append("shop.order-1", [anEvent(), anEvent()], "none");
    const other = openMemoryLog();
    await other.append("shop.order-9", [anEvent()], "none");
    await refuses(source, other, /no copy of this source: it has "order\.placed" in shop\.order-9 at revision 0/);
    const target = openMemoryLog();
    await copy(source, target);
    await target.append("shop.order-1", [anEvent()], 1);
    await refuses(source, target, /holds more than the source: after all 2 events/);
    await source.append("shop.order-1", [anEvent()], 1);
    await refuses(source, target, /beyond its first 2 events/);
  });

  it("into itself", async () => {
    const log = openMemoryLog();
    await refuses(log, log.reopen(), /same log/);
  });

  it("of events of Reprise's own that this build does not know", async () => {
    const source = openMemoryLog();
    await source.append(journal, [ownEvent(newId, "lane.teleported", {})], "none");
    await expect(copy(source, openMemoryLog())).rejects.toMatchObject({ code: "LOG_NEWER" });
  });
});
