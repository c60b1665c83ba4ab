import { describe, expect, it, onTestFinished } from "vitest";
import { newId } from "../../../src/event/ids.ts";
import type { Chapter } from "../chapter.ts";
import { anEvent, ids, refuses, stored } from "../log-events.ts";

export function describeEventIds({ open, openPair }: Chapter): void {
  describe("event ids", () => {
    it("answer a repeat with the first revisions, whatever revision it expects", async () => {
      const { log, reopen } = await openPair();
      const events = [anEvent({ a: 1, b: { c: [1, 2] } }), anEvent()];
      const first = await log.append("shop.order-1", events, "none");
      await log.append("shop.order-1", [anEvent()], 1);
      const places = await log.findByIds("shop", ids(first));
      const repeat = first.map((event) => ({ ...event, position: places.find(({ id }) => id === event.id)!.position, duplicate: true }));
      for (const expected of ["none", "any", 0, 77] as const) expect(await log.append("shop.order-1", events, expected)).toEqual(repeat);
      expect(await log.append("shop.order-1", [events[1]!], "any")).toEqual([repeat[1]]);
      const otherOrder = { ...events[0]!, data: { b: { c: [1, 2] }, a: 1 }, source: "someone else" };
      expect(await log.append("shop.order-1", [otherOrder], "any")).toEqual([repeat[0]]);
      await log.close();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect(await again.append("shop.order-1", events, "none")).toEqual(repeat);
      expect(await again.streamRevision("shop.order-1")).toBe(2);
    });

    it("are refused with other content, in another stream, or when only some are known; nothing is stored", async () => {
      const log = await open();
      const event = anEvent({ total: 1 });
      await log.append("shop.order-1", [event], "none");
      const eventIds = [event.id];
      await refuses(log.append("shop.order-1", [{ ...event, data: { total: 2 } }], "any"), "EVENT_ID_REUSED", { eventIds });
      await refuses(log.append("shop.order-1", [{ ...event, type: "order.paid" }], "any"), "EVENT_ID_REUSED", { eventIds });
      await refuses(log.append("shop.order-1", [{ ...event, schemaVersion: 2 }], "any"), "EVENT_ID_REUSED", { eventIds });
      await refuses(log.append("shop.order-2", [event], "none"), "EVENT_ID_REUSED", { eventIds });
      await refuses(log.append("shop.order-1", [event, anEvent()], "any"), "EVENT_ID_REUSED", { eventIds });
      await refuses(log.append("shop.order-1", [anEvent(), event], 77), "EVENT_ID_REUSED", { eventIds });
      const twice = anEvent();
      await refuses(log.append("shop.order-1", [twice, twice], "any"), "EVENT_ID_REUSED", { eventIds: [twice.id] });
      expect(await stored(log)).toHaveLength(1);
    });

    it("are each tenant's own, Reprise's too", async () => {
      const log = await open();
      const event = anEvent();
      for (const stream of ["shop.order-1", "mill.order-1", "reprise.replay-1"]) expect((await log.append(stream, [event], "none"))[0]?.duplicate).toBe(false);
      await refuses(log.append("reprise.replay-2", [event], "none"), "EVENT_ID_REUSED");
      expect((await log.findByIds("mill", [event.id, event.id, newId()])).map(({ stream }) => stream)).toEqual(["mill.order-1"]);
      expect(await log.findByIds("none", [event.id])).toEqual([]);
    });

    it("are found up to 1000 at once", async () => {
      const log = await open();
      const events = Array.from({ length: 1000 }, () => anEvent());
      await log.append("shop.order-1", events, "none");
      const ids = events.map(({ id }) => id);
      const found = await log.findByIds("shop", ids);
      expect(found).toHaveLength(1000);
      expect(new Set(found.map(({ id }) => id))).toEqual(new Set(ids));
      expect(await log.findByIds("shop", [])).toEqual([]);
      await refuses(log.findByIds("shop", [...ids, newId()]), "REQUEST_INVALID");
    });
  });
}
