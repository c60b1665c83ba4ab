import { describe, expect, it, onTestFinished } from "vitest";
import type { StoredEvent } from "../../../src/event/event.ts";
import { logStream, truncatedStream } from "../../../src/event/names.ts";
import type { Chapter } from "../chapter.ts";
import { anEvent, flat, follow, refuses, stored, streamOf } from "../log-events.ts";

export function describeTruncation({ open, openPair }: Chapter): void {
  describe("truncate", () => {
    it("removes a stream's first events; revisions, heads and the other streams stay, also over a reopen", async () => {
      const { log, reopen } = await openPair();
      await log.append("shop.order-2", [anEvent()], "none");
      for (let i = 0; i < 3; i++)
        await log.append(
          "shop.order-1",
          Array.from({ length: 500 }, () => anEvent()),
          "any",
        );
      const head = await log.head();
      await log.truncate("shop.order-1", 1200);
      await log.truncate("shop.order-1", 7);
      expect((await streamOf(log, "shop.order-1")).map(({ revision }) => revision)).toEqual(Array.from({ length: 300 }, (_, i) => 1200 + i));
      expect((await flat(log.readStream("shop.order-1", { from: 3, limit: 1 })))[0]?.revision).toBe(1200);
      await log.truncate("shop.order-1", 5000);
      await log.truncate("shop.order-9", 5);
      expect(await streamOf(log, "shop.order-1")).toEqual([]);
      await log.close();

      const again = await reopen();
      onTestFinished(() => again.close());
      expect(await again.head()).toBeGreaterThanOrEqual(head); // a log may note what it hides
      expect(await again.streamRevision("shop.order-1")).toBe(1499);
      expect(await again.streamRevision("shop.order-9")).toBe(-1);
      expect(await streamOf(again, "shop.order-2")).toHaveLength(1);
      await refuses(again.append("shop.order-1", [anEvent()], "none"), "REVISION_CONFLICT", { expected: "none", actual: 1499 });
      const [next] = await again.append("shop.order-1", [anEvent()], 1499);
      expect(next!.revision).toBe(1500);
      expect(next!.position).toBeGreaterThan(head);
      expect(await stored(again)).toHaveLength(2);
    });

    it("removes the first events of many streams at once, wherever they lie, as often as it is called, also over a reopen", async () => {
      const { log, reopen } = await openPair();
      const streams = Array.from({ length: 40 }, (_, n) => `shop.order-${n}`);
      for (let round = 0; round < 6; round++) for (const stream of streams) await log.append(stream, [anEvent(round), anEvent(round)], "any");
      const all = await stored(log);
      const through = all[239]!.position;
      const cuts = streams.map((stream, n) => ({ stream, before: n % 14 }));
      const rests: number[] = [];
      const options = { after: 0n, through, rest: async (done: number) => void rests.push(done) };
      await log.truncateStreams([...cuts, { stream: "shop.order-none", before: 3 }], options);
      await log.truncateStreams(cuts, { after: 0n, through });
      const left = all.filter(({ stream, revision }) => revision >= cuts.find((cut) => cut.stream === stream)!.before);
      const seen = (events: readonly StoredEvent[]) => events.map(({ stream, revision, position }) => [stream, revision, position]);
      expect(seen(await stored(log))).toEqual(seen(left));
      expect(seen(await streamOf(log, "shop.order-5"))).toEqual(seen(left.filter(({ stream }) => stream === "shop.order-5")));
      expect(rests.length).toBeGreaterThan(1);
      expect(rests.reduce((sum, done) => sum + done)).toBe(all.length - left.length);
      expect((await log.freeRoom()).bytes).toBeGreaterThanOrEqual(0);
      await log.close();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect(seen(await stored(again))).toEqual(seen(left));
      for (const stream of streams) expect(await again.streamRevision(stream)).toBe(11);
      expect((await again.append("shop.order-12", [anEvent()], 11))[0]!.revision).toBe(12);
      const byId = await again.findByIds("shop", all.filter(({ stream }) => stream === "shop.order-13").map(({ id }) => id)); // biome-ignore format: one line
      expect(byId).toEqual([]);
    });

    it("stops between two steps when it is told to, and goes on when it is called again", async () => {
      const log = await open();
      for (let n = 0; n < 30; n++) await log.append(`shop.order-${n}`, Array.from({ length: 40 }, () => anEvent()), "none"); // biome-ignore format: one line
      const cuts = Array.from({ length: 30 }, (_, n) => ({ stream: `shop.order-${n}`, before: 30 }));
      const through = await log.head();
      const stop = new AbortController();
      const rest = async () => stop.abort();
      await expect(log.truncateStreams(cuts, { after: 0n, through, rest, signal: stop.signal })).rejects.toThrow();
      const some = await stored(log);
      expect(some.length).toBeGreaterThanOrEqual(300); // a log may hide them all at once
      for (const { stream, before } of cuts) {
        const first = some.find((event) => event.stream === stream)!.revision;
        expect(some.filter((event) => event.stream === stream).map(({ revision }) => revision - first)).toEqual(
          Array.from({ length: 40 - first }, (_, n) => n),
        );
        expect(first).toBeLessThanOrEqual(before);
      }
      await log.truncateStreams(cuts, { after: 0n, through });
      expect(await stored(log)).toHaveLength(300);
    });

    it("passes subscriptions over the holes", async () => {
      const log = await open();
      await log.append("shop.order-1", [anEvent(), anEvent(), anEvent()], "none");
      await log.truncate("shop.order-1", 3);
      const follower = follow(log, { after: 0n });
      await follower.reaches(await log.head());
      expect((await follower.stop()).filter(({ stream }) => stream !== logStream && stream !== truncatedStream)).toEqual([]);
    });

    it("refuses the log's own stream and what is no revision", async () => {
      const log = await open();
      await refuses(log.truncateStreams([{ stream: logStream, before: 1 }], { after: 0n, through: 1n }), "REQUEST_INVALID");
      await refuses(log.truncate(logStream, 1), "REQUEST_INVALID");
      await refuses(log.truncate("shop.order-1", -1), "REQUEST_INVALID");
    });
  });
}
