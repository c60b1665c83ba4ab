import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Json, NewEvent } from "../../../src/event/event.ts";
import { newId } from "../../../src/event/ids.ts";
import type { Chapter } from "../chapter.ts";
import { anEvent, ids, refuses, rises, stored, streamOf } from "../log-events.ts";

const strangeData: Json = {
  "": null,
  nested: { a: [[], {}, [{ b: [null, true, false] }]] },
  text: 'quotes " \\ / \b\f\n\r\t \u0000 \u2028 \ud83e\udd8a ß 漢字 עברית \ud800',
  numbers: [0, 1.5, -1e-7, 1e21, 9007199254740991, -9007199254740991, 5e-324],
  "key with . and - and 🦊": { "0": "a", "1": "b", "-1": "c" },
};

export function describeAppends({ open, openPair, patient }: Chapter): void {
  describe("append", () => {
    it("gives revisions from 0, rising positions and the log's time", async () => {
      const log = await open();
      const first = await log.append("shop.order-1", [anEvent(), anEvent()], "none");
      const other = await log.append("shop.order-2", [anEvent()], "any");
      const second = await log.append("shop.order-1", [anEvent()], 1);
      const all = [...first, ...other, ...second];
      expect(all.map(({ revision }) => revision)).toEqual([0, 1, 0, 2]);
      expect(all.every(({ duplicate }) => !duplicate)).toBe(true);
      for (const { recordedAt } of all) expect(recordedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      for (const [i, { recordedAt }] of all.entries()) expect(recordedAt >= (all[i - 1]?.recordedAt ?? "")).toBe(true);
      expect(await log.head()).toBe(second[0]!.position);
      const events = await stored(log);
      expect(events).toEqual(await Promise.all(all.map(async ({ id }) => (await log.findByIds("shop", [id]))[0])));
      expect(rises(events.map(({ position }) => position))).toBe(true);
    });

    it("answers with each event's position, or with the position of the append's last event for all", async () => {
      const log = await open();
      for (const [stream, count] of [
        ["shop.order-1", 3],
        ["shop.order-2", 1],
        ["shop.order-1", 2],
      ] as const) {
        const appended = await log.append(
          stream,
          Array.from({ length: count }, () => anEvent()),
          "any",
        );
        const places = (await log.findByIds("shop", ids(appended))).map(({ position }) => position).toSorted((a, b) => Number(a - b));
        const told = appended.map(({ position }) => position);
        expect([places, places.map(() => places.at(-1))]).toContainEqual(told);
        expect(await log.head()).toBe(told.at(-1));
      }
    });

    it("keeps the whole envelope unchanged", async () => {
      const { log, reopen } = await openPair();
      const full: NewEvent = {
        id: newId(),
        type: "Order.Placed_v-2",
        schemaVersion: 12,
        source: "agent/ünïcode 🦊",
        occurredAt: "2026-02-28T23:59:59.123456+02:00",
        data: strangeData,
        metadata: {
          correlationId: "c 1",
          causationId: "c-0",
          traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          callChain: ["planner", "agent/ünïcode 🦊"],
          priority: "critical",
          contextRefs: [{ kind: "document", ref: "s3://bucket/ключ?x=1" }],
          extensions: { text: "", number: 1.5, truth: false },
        },
      };
      const bare = { ...anEvent(), source: null, occurredAt: null, data: null };
      const others = [[], {}, "", 0, false, "x".repeat(100_000)].map((data) => ({ ...anEvent(), data }));
      const events = [full, bare, ...others];
      const stream = "shop.order-A._:@~/#+=-1.x-y";
      const appended = await log.append(stream, events, "none");
      const places = new Map((await log.findByIds("shop", ids(appended))).map(({ id, position }) => [id, position]));
      const expected = events.map((event, revision) => {
        const { recordedAt } = appended[revision]!;
        const position = places.get(event.id);
        return { ...event, stream, tenant: "shop", entity: { type: "order", id: "A._:@~/#+=-1.x-y" }, revision, position, recordedAt };
      });
      expect(await streamOf(log, stream)).toStrictEqual(expected);
      await log.close();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect(await stored(again)).toStrictEqual(expected);
      expect(await again.findByIds("shop", [full.id])).toStrictEqual([expected[0]]);
    });

    it("keeps the recorded times that a copy brings along, and gives later events no earlier time", async () => {
      const { log, reopen } = await openPair();
      const times = ["2020-02-29T12:00:00.001Z", "2020-02-29T12:00:00.000Z", "2021-01-01T00:00:00.999Z"];
      const events = times.map(() => anEvent());
      const appended = await log.append("shop.order-1", events, "none", { recordedAt: times });
      expect(appended.map(({ recordedAt }) => recordedAt)).toEqual(times);
      const repeated = await log.append("shop.order-1", events, "none", { recordedAt: times.toReversed() });
      expect(repeated.map(({ recordedAt, duplicate }) => [recordedAt, duplicate])).toEqual(times.map((time) => [time, true]));
      const [next] = await log.append("shop.order-1", [anEvent()], "any");
      expect(next!.recordedAt > "2026").toBe(true);
      await refuses(log.append("shop.order-1", [anEvent(), anEvent()], "any", { recordedAt: times.slice(0, 1) }), "REQUEST_INVALID");
      await refuses(log.append("shop.order-1", [anEvent()], "any", { recordedAt: ["2020-02-29 12:00"] }), "REQUEST_INVALID");
      await refuses(log.append("shop.order-1", [anEvent()], "any", { recordedAt: ["2020-02-39T12:00:00.000Z"] }), "REQUEST_INVALID");
      await log.close();
      const again = await reopen();
      onTestFinished(() => again.close());
      expect((await streamOf(again, "shop.order-1")).map(({ recordedAt }) => recordedAt)).toEqual([...times, next!.recordedAt]);
    });

    it("keeps any JSON value, also members named as an object's own are", patient, async () => {
      const log = await open();
      await fc.assert(
        fc.asyncProperty(fc.jsonValue(), fc.string({ unit: "binary" }), async (value, text) => {
          const data = JSON.parse(`{"__proto__":1,"constructor":${JSON.stringify(text)},"value":${JSON.stringify(value)}}`) as Json;
          const event = { ...anEvent(), data };
          await log.append("shop.any-1", [event], "any");
          const [found] = await log.findByIds("shop", [event.id]);
          expect(JSON.stringify(found?.data)).toBe(JSON.stringify(data));
        }),
        { numRuns: 50 },
      );
    });

    it("refuses an append at the wrong revision and stores nothing", async () => {
      const log = await open();
      await refuses(log.append("shop.order-1", [anEvent()], 0), "REVISION_CONFLICT", { expected: 0, actual: -1 });
      await log.append("shop.order-1", [anEvent()], "none");
      await log.append("shop.order-1", [anEvent()], 0);
      await refuses(log.append("shop.order-1", [anEvent()], "none"), "REVISION_CONFLICT", { expected: "none", actual: 1 });
      await refuses(log.append("shop.order-1", [anEvent()], 0), "REVISION_CONFLICT", { expected: 0, actual: 1 });
      await refuses(log.append("shop.order-1", [anEvent()], 2), "REVISION_CONFLICT", { expected: 2, actual: 1 });
      expect(await stored(log)).toHaveLength(2);
      expect(await log.streamRevision("shop.order-1")).toBe(1);
    });

    it("takes −1, the revision of a stream that does not exist, as no revision", async () => {
      const log = await open();
      expect(await log.streamRevision("shop.order-1")).toBe(-1);
      await log.append("shop.order-1", [anEvent()], -1);
      await refuses(log.append("shop.order-1", [anEvent()], -1), "REVISION_CONFLICT", { expected: -1, actual: 0 });
    });

    it("refuses what no log can hold", async () => {
      const log = await open();
      const append = (event: Partial<NewEvent>) => log.append("shop.order-1", [{ ...anEvent(), ...event }], "any");
      await refuses(log.append("shop.order-1", [], "any"), "REQUEST_INVALID");
      await refuses(log.append("shop.order-1", Array.from({ length: 1001 }, anEvent), "any"), "REQUEST_INVALID");
      await refuses(log.append("order", [anEvent()], "any"), "REQUEST_INVALID");
      await refuses(log.append(`shop.order-${"x".repeat(600)}`, [anEvent()], "any"), "REQUEST_INVALID");
      await refuses(log.append("shop.order-1", [anEvent()], 0.5), "REQUEST_INVALID");
      await refuses(append({ id: "no uuid" }), "REQUEST_INVALID");
      await refuses(append({ schemaVersion: 0 }), "REQUEST_INVALID");
      await refuses(append({ schemaVersion: Number.NaN }), "REQUEST_INVALID");
      await refuses(append({ source: "half a pair: \ud800" }), "REQUEST_INVALID");
      expect(await stored(log)).toEqual([]);
    });

    it("takes 1000 events, and 900,000 bytes, and refuses more than 960,000 bytes", async () => {
      const log = await open();
      await log.append("shop.order-1", Array.from({ length: 1000 }, anEvent), "none");
      const large = (bytes: number) => ({ ...anEvent(), data: "é".repeat(bytes / 2) });
      await log.append("shop.order-2", [large(900_000)], "none");
      await refuses(log.append("shop.order-2", [large(960_000)], "any"), "APPEND_TOO_LARGE");
      await refuses(
        log.append(
          "shop.order-2",
          Array.from({ length: 10 }, () => large(97_000)),
          "any",
        ),
        "APPEND_TOO_LARGE",
      );
      expect(await log.streamRevision("shop.order-2")).toBe(0);
    });
  });
}
