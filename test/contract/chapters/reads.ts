import { describe, expect, it, onTestFinished } from "vitest";
import type { StoredEvent } from "../../../src/event/event.ts";
import type { EventFilter, EventLog } from "../../../src/log/event-log.ts";
import { size, someOf } from "../../support/sizes.ts";
import type { Chapter } from "../chapter.ts";
import { anEvent, flat, rises, stored, streamOf } from "../log-events.ts";

export function describeReads({ open, openPair, patient }: Chapter): void {
  describe("reads", () => {
    it("give one stream by revision, from anywhere, both ways", patient, async () => {
      const log = await open();
      const count = 1200;
      for (let i = 0; i < count; i += 400) {
        await log.append(
          "shop.order-1",
          Array.from({ length: 400 }, (_, j) => anEvent(i + j)),
          "any",
        );
        await log.append("shop.order-2", [anEvent()], "any");
      }
      const revisions = async (options: Parameters<EventLog["readStream"]>[1]) =>
        (await flat(log.readStream("shop.order-1", options))).map(({ revision }) => revision);
      const up = Array.from({ length: count }, (_, i) => i);
      expect(await revisions({})).toEqual(up);
      expect((await streamOf(log, "shop.order-1")).map(({ data }) => data)).toEqual(up);
      expect(await revisions({ direction: "backward" })).toEqual(up.toReversed());
      expect(await revisions({ from: 1100 })).toEqual(up.slice(1100));
      expect(await revisions({ from: 1100, limit: 3 })).toEqual([1100, 1101, 1102]);
      expect(await revisions({ from: 2, direction: "backward" })).toEqual([2, 1, 0]);
      expect(await revisions({ direction: "backward", limit: 2 })).toEqual([1199, 1198]);
      expect(await revisions({ from: 5000, direction: "backward", limit: 1 })).toEqual([1199]);
      expect(await revisions({ from: count })).toEqual([]);
      expect(await revisions({ limit: 0 })).toEqual([]);
      expect(await revisions({ limit: 700 })).toHaveLength(700);
      expect(await streamOf(log, "shop.order-3")).toEqual([]);
    });

    it("give several streams together as they give each by itself, where a log can", patient, async () => {
      const log = await open();
      if (log.readStreams === undefined) return;
      const lengths = [1, 9, 64, 65, 130, 200, 3, 0, 500, 12, 12, 12];
      const names = lengths.map((_, i) => `shop.order-${i}`);
      for (let round = 0; round < 500; round += 20)
        for (const [i, length] of lengths.entries()) {
          const more = Math.min(20, length - round);
          if (more > 0) await log.append(names[i]!, Array.from({ length: more }, (_, j) => anEvent(round + j)), "any"); // biome-ignore format: one line
        }
      await log.truncate("shop.order-5", 150);
      await log.truncate("shop.order-9", 12);
      await log.append("shop.large-1", [anEvent("x".repeat(700_000))], "any");
      await log.append("shop.large-1", [anEvent("y".repeat(700_000))], "any");
      const all = ["shop.large-1", ...names];
      for (const limit of [1, 64, 1000])
        for (const from of [0, 1, 8, 63, 64, 140, 499, 5000]) {
          let asked: readonly string[] = all;
          while (asked.length > 0) {
            const read = await log.readStreams(asked.map((stream) => ({ stream, from })), limit); // biome-ignore format: one line
            expect(read.length).toBeGreaterThan(0);
            for (const [i, { head, events }] of read.entries()) {
              const wanted = await flat(log.readStream(asked[i]!, { from, limit }));
              expect(head).toBe(await log.streamRevision(asked[i]!));
              if (i < read.length - 1) expect(events).toStrictEqual(wanted);
              else expect(events).toStrictEqual(wanted.slice(0, events.length));
              if (i === 0 && wanted.length > 0) expect(events.length).toBeGreaterThan(0);
            }
            asked = asked.slice(read.length);
          }
        }
      expect(await log.readStreams([], 64)).toEqual([]);
    });

    it("give the whole log by position, from anywhere, both ways, filtered by type or stream", patient, async () => {
      const log = await open();
      const from = (i: number, count: number, type = "order.placed") => Array.from({ length: count }, (_, j) => ({ ...anEvent(i + j), type }));
      const count = size(600, 1500);
      const half = Math.floor(count / 2);
      const most = half - 100;
      for (let i = 0; i < count; i += 25) {
        await log.append(`shop.order-${i % 7}`, from(i, 10), "any");
        await log.append(`shop.orderly-${i % 7}`, from(i + 10, 5, "order.paid"), "any");
        await log.append("mill.order-1", [...from(i + 15, 5, "order"), ...from(i + 20, 5)], "any");
      }
      const all = await stored(log);
      expect(all.map(({ data }) => data)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(rises(all.map(({ position }) => position))).toBe(true);
      expect(await stored(log, { direction: "backward" })).toEqual(all.toReversed());
      const middle = all[half]!.position;
      expect(await stored(log, { after: middle })).toEqual(all.slice(half + 1));
      expect(await stored(log, { after: middle, direction: "backward" })).toEqual(all.slice(0, half).toReversed());
      expect(await stored(log, { after: middle, limit: most })).toEqual(all.slice(half + 1, half + 1 + most));
      expect(await stored(log, { after: middle, limit: most, direction: "backward" })).toEqual(all.slice(half - most, half).toReversed());
      expect(await stored(log, { after: await log.head() })).toEqual([]);
      expect(await stored(log, { after: (await log.head()) + 5n, direction: "backward", limit: 1 })).toEqual(all.slice(-1));
      const filters: readonly [EventFilter, (event: StoredEvent) => boolean][] = [
        [{ types: ["order.paid", "order"] }, ({ type }) => type !== "order.placed"],
        [{ types: ["nothing"] }, () => false],
        [{ types: [] }, () => false],
        [{ streamPrefixes: ["shop.order-"] }, ({ stream }) => stream.startsWith("shop.order-")],
        [{ streamPrefixes: ["shop.order-3", "mill."] }, ({ stream }) => stream === "shop.order-3" || stream.startsWith("mill.")],
        [{ streamPrefixes: [] }, () => false],
      ];
      for (const [filter, matches] of filters) {
        expect(await stored(log, { filter })).toEqual(all.filter(matches));
        expect(await stored(log, { filter, direction: "backward" })).toEqual(all.filter(matches).toReversed());
        expect(await stored(log, { filter, after: middle, limit: 20 })).toEqual(
          all
            .slice(half + 1)
            .filter(matches)
            .slice(0, 20),
        );
      }
    });

    it("come in batches that are never empty and never hold much at once", patient, async () => {
      const log = await open();
      const data = "x".repeat(900_000);
      const count = size(10, 20);
      for (let i = 0; i < count; i++) await log.append("shop.order-1", [anEvent(data)], "any");
      for (const read of [log.readAll(), log.readStream("shop.order-1"), log.readStream("shop.order-1", { direction: "backward" })]) {
        let seen = 0;
        for await (const batch of read) {
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(8);
          seen += batch.filter((event) => event.data === data).length;
        }
        expect(seen).toBe(count);
      }
    });

    it("are the same in small steps", patient, async () => {
      const log = await open();
      const count = 300;
      for (let i = 0; i < count; i += 100) {
        await log.append(
          `shop.order-${i}`,
          Array.from({ length: 100 }, (_, j) => anEvent(i + j)),
          "none",
        );
      }
      const filter: EventFilter = { streamPrefixes: ["shop.order-1", "shop.order-2"] };
      const direction = "backward";
      const options: readonly NonNullable<Parameters<EventLog["readAll"]>[0]>[] = [{}, { direction }, { filter }, { filter, direction, limit: 70 }];
      for (const how of options) expect(await stored(log, { ...how, steps: "small" })).toEqual(await stored(log, how));
      for (const how of [{}, { from: 50 }, { direction, from: 80, limit: 60 }] as const) {
        const small = log.readStream("shop.order-100", { ...how, steps: "small" });
        expect(await flat(small)).toEqual(await flat(log.readStream("shop.order-100", how)));
      }
    });

    it("end even when the consumer appends an event for each event that it reads", async () => {
      const log = await open();
      await log.append("shop.order-1", [anEvent(), anEvent()], "none");
      const copies = async (read: AsyncIterable<readonly StoredEvent[]>) => {
        for await (const batch of read) for (const _ of batch) await log.append("shop.order-1", [anEvent()], "any");
      };
      await copies(log.readAll({ filter: { streamPrefixes: ["shop."] } }));
      expect(await log.streamRevision("shop.order-1")).toBe(3);
      await copies(log.readStream("shop.order-1"));
      expect(await log.streamRevision("shop.order-1")).toBe(7);
    });

    it("can be left before their end, and fail with the reason of an abort", async () => {
      const log = await open();
      await log.append(
        "shop.order-1",
        Array.from({ length: 1000 }, () => anEvent()),
        "none",
      );
      await log.append(
        "shop.order-1",
        Array.from({ length: 1000 }, () => anEvent()),
        "any",
      );
      for await (const batch of log.readAll()) if (batch.length > 0) break;
      const reason = new Error("enough");
      const reads = [
        (signal: AbortSignal) => log.readAll({ signal }),
        (signal: AbortSignal) => log.readAll({ signal, filter: { types: ["order.placed"] }, direction: "backward" }),
        (signal: AbortSignal) => log.readStream("shop.order-1", { signal }),
      ];
      for (const read of reads) {
        await expect(flat(read(AbortSignal.abort(reason)))).rejects.toBe(reason);
        const controller = new AbortController();
        let seen = 0;
        const aborted = (async () => {
          for await (const batch of read(controller.signal)) {
            seen += batch.length;
            controller.abort(reason);
          }
        })();
        await expect(aborted).rejects.toBe(reason);
        expect(seen).toBeLessThan(2000);
      }
    });
  });

  it("reads a long stream from any revision, in both directions, among others and after a truncation", async () => {
    const { log, reopen } = await openPair();
    const streams = ["shop.order-1", "shop.order-2", "shop.order-3"];
    for (let turn = 0; turn < 70; turn++)
      for (const [index, stream] of streams.entries()) await log.append(stream, Array.from({ length: 1 + ((turn + index) % 4) }, anEvent), "any");
    await log.close();
    const again = await reopen();
    onTestFinished(() => again.close());
    for (const stream of streams) await again.append(stream, Array.from({ length: 5 }, anEvent), "any");

    const all = (await stored(again)).filter((event) => event.stream === "shop.order-2");
    expect(all.length).toBeGreaterThan(150);
    const check = async (first: number) => {
      const kept = all.slice(first);
      const places = [0, 1, 2, 62, 63, 64, 65, 66, 127, 128, 129, 150, all.length - 2, all.length - 1, all.length];
      for (const from of places)
        for (const limit of someOf(2, [3, 1000, 1, 64, 65])) {
          const forward = kept.filter(({ revision }) => revision >= from).slice(0, limit);
          const backward = kept.filter(({ revision }) => revision <= from).reverse();
          expect(await flat(again.readStream("shop.order-2", { from, limit }))).toEqual(forward);
          expect(await flat(again.readStream("shop.order-2", { direction: "backward", from, limit }))).toEqual(backward.slice(0, limit));
        }
    };
    await check(0);
    for (const before of [64, 130]) {
      await again.truncate("shop.order-2", before);
      await check(before);
    }
  });
}
