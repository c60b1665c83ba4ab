import { describe, expect, it, onTestFinished } from "vitest";
import { newId } from "../../../src/event/ids.ts";
import { logStream } from "../../../src/event/names.ts";
import type { Chapter } from "../chapter.ts";
import { anEvent, flat, follow, refuses, stored, streamOf } from "../log-events.ts";

export function describeLife({ open, openPair, timeoutMs }: Chapter): void {
  describe("open and close", () => {
    it("begins with the log's id, which never changes", async () => {
      const { log, reopen } = await openPair();
      const [created] = await streamOf(log, logStream);
      expect(created).toMatchObject({
        type: "log.created",
        schemaVersion: 1,
        tenant: "reprise",
        entity: { type: "log", id: "" },
        revision: 0,
        data: { logId: log.logId },
      });
      await log.append("shop.order-1", [anEvent()], "any");
      await log.close();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect(again.logId).toBe(log.logId);
      expect(await streamOf(again, logStream)).toEqual([created]);
      expect(await stored(again)).toHaveLength(1);
      const other = await open();
      expect(other.logId).not.toBe(log.logId);
    });

    it("closes within seconds after reads that ended at their limit or were left before their end", async () => {
      const { log } = await openPair();
      const large = () => anEvent({ text: "x".repeat(4000) });
      for (const stream of ["shop.order-1", "shop.order-2", "shop.order-3"]) await log.append(stream, Array.from({ length: 100 }, large), "none");
      for (const direction of ["forward", "backward"] as const)
        for (const limit of [1, 7, 64, 100]) {
          const types = [large().type];
          await flat(log.readStream("shop.order-1", { direction, limit }));
          await flat(log.readAll({ direction, limit }));
          await flat(log.readAll({ direction, limit, filter: { types } }));
          await flat(log.readAll({ direction, limit, filter: { streamPrefixes: ["shop."] } }));
          for await (const _ of log.readStream("shop.order-2", { direction, limit })) break;
          for await (const _ of log.readAll({ direction, limit })) break;
          for await (const _ of log.subscribe({ after: 0n, signal: new AbortController().signal })) break;
        }
      const late = new Promise((resolve) => void setTimeout(resolve, timeoutMs / 6, "late").unref());
      expect(await Promise.race([log.close().then(() => "closed"), late])).toBe("closed");
    });

    it("finishes appends in progress, ends subscriptions and reads, and may be closed twice", async () => {
      const { log, reopen } = await openPair();
      await log.append(
        "shop.order-1",
        Array.from({ length: 1000 }, () => anEvent()),
        "any",
      );
      const follower = follow(log, { after: 0n });
      await follower.reaches(await log.head());
      const reading = log.readAll()[Symbol.asyncIterator]();
      await reading.next();
      const writing = Array.from({ length: 50 }, () => log.append("shop.order-1", [anEvent()], "any"));
      await Promise.all([log.close(), log.close()]);
      await log.close();
      await Promise.all(writing);
      await follower.ended;
      await refuses(reading.next(), "CLOSED");
      await refuses(log.append("shop.order-1", [anEvent()], "any"), "CLOSED");
      await refuses(log.head(), "CLOSED");
      await refuses(log.streamRevision("shop.order-1"), "CLOSED");
      if (log.readStreams !== undefined) await refuses(log.readStreams([{ stream: "shop.order-1", from: 0 }], 1), "CLOSED");
      await refuses(log.findByIds("shop", [newId()]), "CLOSED");
      await refuses(log.truncate("shop.order-1", 1), "CLOSED");
      await refuses(flat(log.readStream("shop.order-1")), "CLOSED");
      for await (const _ of log.subscribe({ after: 0n, signal: new AbortController().signal })) expect.unreachable();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect(await again.streamRevision("shop.order-1")).toBe(1049);
    });
  });
}
