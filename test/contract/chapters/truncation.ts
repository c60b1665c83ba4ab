import { describe, expect, it, onTestFinished } from "vitest";
import { logStream } from "../../../src/event/names.ts";
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
      expect(await again.head()).toBe(head);
      expect(await again.streamRevision("shop.order-1")).toBe(1499);
      expect(await again.streamRevision("shop.order-9")).toBe(-1);
      expect(await streamOf(again, "shop.order-2")).toHaveLength(1);
      await refuses(again.append("shop.order-1", [anEvent()], "none"), "REVISION_CONFLICT", { expected: "none", actual: 1499 });
      const [next] = await again.append("shop.order-1", [anEvent()], 1499);
      expect(next!.revision).toBe(1500);
      expect(next!.position).toBeGreaterThan(head);
      expect(await stored(again)).toHaveLength(2);
    });

    it("passes subscriptions over the holes", async () => {
      const log = await open();
      await log.append("shop.order-1", [anEvent(), anEvent(), anEvent()], "none");
      await log.truncate("shop.order-1", 3);
      const follower = follow(log, { after: 0n });
      await follower.reaches(await log.head());
      expect((await follower.stop()).filter(({ stream }) => stream !== logStream)).toEqual([]);
    });

    it("refuses the log's own stream and what is no revision", async () => {
      const log = await open();
      await refuses(log.truncate(logStream, 1), "REQUEST_INVALID");
      await refuses(log.truncate("shop.order-1", -1), "REQUEST_INVALID");
    });
  });
}
