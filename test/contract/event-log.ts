/** What every log promises. An adapter passes this suite, or it is none. */
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { isRepriseError, RepriseError } from "../../src/errors.ts";
import type { Json, NewEvent, StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { logStream } from "../../src/event/names.ts";
import type { AppendedEvent, EventFilter, EventLog, SubscribeOptions, SubscriptionBatch } from "../../src/log/event-log.ts";
import { type Answer, type Append, anAppend, makeModel } from "./event-log-model.ts";

export interface LogUnderTest {
  readonly log: EventLog;
  /** Opens the same log again; the first one was closed. */
  reopen(): Promise<EventLog>;
}

/**
 * @param openEmpty a new log at each call. The suite closes it.
 * @param timeoutMs of one test: a server that runs beside other work takes longer for the same. What the log promises is the same.
 */
export function describeEventLog(name: string, openEmpty: () => Promise<LogUnderTest>, timeoutMs = 30_000): void {
  /** Many runs, each with a log of its own and its fsyncs: seconds on a slow disk. */
  const patient = { timeout: 2 * timeoutMs };
  const openPair = async () => {
    const pair = await openEmpty();
    onTestFinished(() => pair.log.close());
    return pair;
  };
  const open = async () => (await openPair()).log;

  describe(`EventLog contract: ${name}`, { timeout: timeoutMs }, () => {
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

      it("answers with the place of each event, or with that of the append's last one for all", async () => {
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

      it("keeps the times of what a copy says was recorded before, and records what comes then no earlier", async () => {
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

      it("takes the revision of a stream that is not there, −1, for none", async () => {
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
        for (const stream of ["shop.order-1", "mill.order-1", "reprise.replay-1"])
          expect((await log.append(stream, [event], "none"))[0]?.duplicate).toBe(false);
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

    describe("appends at the same time", () => {
      it("let one of those win that expect the same revision, and leave the others' neighbours alone", async () => {
        const log = await open();
        const rivals = Array.from({ length: 20 }, () => settle(log.append("shop.order-1", [anEvent()], "none")));
        const others = Array.from({ length: 20 }, (_, i) => log.append(`shop.item-${i}`, [anEvent()], "none"));
        const answers = await Promise.all(rivals);
        expect(answers.filter((answer) => answer !== "REVISION_CONFLICT")).toHaveLength(1);
        await Promise.all(others);
        expect(await stored(log)).toHaveLength(21);
      });

      it("store one event once that is sent many times at once", async () => {
        const log = await open();
        const event = anEvent();
        const answers = await Promise.all(Array.from({ length: 10 }, () => log.append("shop.order-1", [event], "any")));
        expect(answers.filter(([answer]) => !answer!.duplicate)).toHaveLength(1);
        expect(new Set(answers.map(([answer]) => answer!.position)).size).toBe(1);
        expect(await stored(log)).toHaveLength(1);
      });

      it("are each all or none, with no hole in any stream (property)", patient, async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(anAppend, { maxLength: 30 }), async (appends) => {
            const { log } = await openEmpty();
            const answers = await Promise.all(appends.map(({ stream, events, expected }) => settle(log.append(stream, events, expected))));
            const entries = await stored(log);
            await log.close();
            const acknowledged = answers.flatMap((answer) => (Array.isArray(answer) ? answer.filter(({ duplicate }) => !duplicate) : []));
            expect(entries.map(({ id, stream }) => [id, stream]).toSorted()).toEqual(
              appends
                .flatMap(({ stream }, i) =>
                  typeof answers[i] === "string" ? [] : answers[i]!.filter(({ duplicate }) => !duplicate).map(({ id }) => [id, stream]),
                )
                .toSorted(),
            );
            for (const { id, revision, position } of acknowledged)
              expect(entries.some((entry) => entry.id === id && entry.revision === revision && entry.position <= position)).toBe(true);
            for (const stream of new Set(entries.map((entry) => entry.stream)))
              expect(entries.filter((entry) => entry.stream === stream).map(({ revision }, i) => revision - i)).toEqual(
                entries.filter((entry) => entry.stream === stream).map(() => 0),
              );
          }),
          { numRuns: 25 },
        );
      });
    });

    it("is what the model says after any appends, one after another (property)", patient, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anAppend, { maxLength: 30 }), async (appends) => {
          const { log, reopen } = await openEmpty();
          const model = makeModel();
          const half = Math.floor(appends.length / 2);
          let opened = log;
          for (const [i, append] of appends.entries()) {
            if (i === half) {
              await opened.close();
              opened = await reopen();
            }
            expect(await answerOf(opened, append)).toEqual(model.append(append));
          }
          const seen = (await stored(opened)).map(({ stream, revision, id, data }) => ({ stream, revision, id, data }));
          await opened.close();
          expect(seen).toEqual(model.log.map(({ stream, revision, event }) => ({ stream, revision, id: event.id, data: event.data })));
        }),
        { numRuns: 25 },
      );
    });

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

      it("give the whole log by position, from anywhere, both ways, filtered by type or stream", patient, async () => {
        const log = await open();
        const from = (i: number, count: number, type = "order.placed") => Array.from({ length: count }, (_, j) => ({ ...anEvent(i + j), type }));
        for (let i = 0; i < 1500; i += 25) {
          await log.append(`shop.order-${i % 7}`, from(i, 10), "any");
          await log.append(`shop.orderly-${i % 7}`, from(i + 10, 5, "order.paid"), "any");
          await log.append("mill.order-1", [...from(i + 15, 5, "order"), ...from(i + 20, 5)], "any");
        }
        const all = await stored(log);
        expect(all.map(({ data }) => data)).toEqual(Array.from({ length: 1500 }, (_, i) => i));
        expect(rises(all.map(({ position }) => position))).toBe(true);
        expect(await stored(log, { direction: "backward" })).toEqual(all.toReversed());
        const middle = all[700]!.position;
        expect(await stored(log, { after: middle })).toEqual(all.slice(701));
        expect(await stored(log, { after: middle, direction: "backward" })).toEqual(all.slice(0, 700).toReversed());
        expect(await stored(log, { after: middle, limit: 601 })).toEqual(all.slice(701, 1302));
        expect(await stored(log, { after: middle, limit: 601, direction: "backward" })).toEqual(all.slice(99, 700).toReversed());
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
          expect(await stored(log, { filter, after: middle, limit: 20 })).toEqual(all.slice(701).filter(matches).slice(0, 20));
        }
      });

      it("come in batches that are never empty and never hold much at once", patient, async () => {
        const log = await open();
        const data = "x".repeat(900_000);
        for (let i = 0; i < 20; i++) await log.append("shop.order-1", [anEvent(data)], "any");
        for (const read of [log.readAll(), log.readStream("shop.order-1"), log.readStream("shop.order-1", { direction: "backward" })]) {
          let seen = 0;
          for await (const batch of read) {
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(8);
            seen += batch.filter((event) => event.data === data).length;
          }
          expect(seen).toBe(20);
        }
      });

      it("end when the consumer appends for each event it reads", async () => {
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

      it("can be left, and end with the reason of an abort", async () => {
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

    describe("subscriptions", () => {
      it("have the data of the streams it is needed of, and all else of all", async () => {
        const log = await open();
        const append = async () => {
          for (let i = 0; i < 40; i++)
            await log.append(`shop.${i % 3 === 0 ? "item" : "order"}-${i % 7}`, [anEvent({ data: { text: "x".repeat(i * 20) } })], "any");
        };
        await append();
        const follower = follow(log, { after: 0n, dataOf: (stream) => stream.startsWith("shop.item") });
        await append();
        await follower.reaches(await log.head());
        const all = await stored(log, {}, true);
        const seen = await follower.stop();
        expect(seen.map(({ data, ...rest }) => rest)).toEqual(all.map(({ data, ...rest }) => rest));
        for (const [index, { stream, data }] of seen.entries()) if (stream.startsWith("shop.item") || data !== null) expect(data).toEqual(all[index]!.data);
      });

      it("go from catch-up to live without gap or duplicate", async () => {
        const log = await open();
        for (let i = 0; i < 3; i++)
          await log.append(
            "shop.order-1",
            Array.from({ length: 500 }, () => anEvent()),
            "any",
          );
        const appended: AppendedEvent[] = [];
        const writing = (async () => {
          for (let i = 0; i < 100; i++) appended.push(...(await log.append(`shop.item-${i % 9}`, [anEvent(), anEvent()], "any")));
        })();
        const follower = follow(log, { after: 0n });
        await writing;
        await follower.reaches(appended.at(-1)!.position);
        await log.append("shop.order-1", [anEvent()], "any");
        await follower.reaches(await log.head());
        expect(await follower.stop()).toEqual(await stored(log, {}, true));
        expect(follower.live()).toBe(true);
      });

      it("begin after a position, and say at once when nothing is behind it", async () => {
        const log = await open();
        await log.append("shop.order-1", [anEvent(), anEvent()], "none");
        const [first] = await stored(log);
        const follower = follow(log, { after: first!.position });
        await follower.reaches(await log.head());
        expect((await follower.stop()).map(({ revision }) => revision)).toEqual([1]);

        const controller = new AbortController();
        for await (const batch of log.subscribe({ after: await log.head(), signal: controller.signal })) {
          expect(batch).toEqual({ events: [], bytes: 0, position: await log.head(), live: true });
          controller.abort();
        }
      });

      it("refuse to begin beyond the end of the log", async () => {
        const log = await open();
        const signal = new AbortController().signal;
        await refuses(
          log
            .subscribe({ after: (await log.head()) + 1n, signal })
            [Symbol.asyncIterator]()
            .next(),
          "LOG_BEHIND_CHECKPOINT",
        );
      });

      it("hand on what matches the filter, and the position of what does not", async () => {
        const log = await open();
        const types = follow(log, { after: 0n, filter: { types: ["order.paid"] } });
        const streams = follow(log, { after: 0n, filter: { streamPrefixes: ["shop.item-"] } });
        for (let i = 0; i < 30; i++) {
          await log.append("shop.order-1", [anEvent(), { ...anEvent(), type: "order.paid" }], "any");
          await log.append("shop.item-1", [anEvent()], "any");
          await log.append("shop.order-1", [anEvent()], "any");
        }
        const head = await log.head();
        await types.reaches(head);
        await streams.reaches(head);
        const all = await stored(log);
        expect(await types.stop()).toEqual(all.filter(({ type }) => type === "order.paid"));
        expect(await streams.stop()).toEqual(all.filter(({ stream }) => stream === "shop.item-1"));
        expect(types.batches()).toBeLessThanOrEqual(1 + 90);
      });

      it("let a slow consumer fall behind, and hold up nobody", async () => {
        const log = await open();
        const iterator = log.subscribe({ after: await log.head(), signal: new AbortController().signal })[Symbol.asyncIterator]();
        expect((await iterator.next()).value).toMatchObject({ live: true });
        for (let i = 0; i < 20; i++)
          await log.append(
            "shop.order-1",
            Array.from({ length: 50 }, () => anEvent()),
            "any",
          );
        const quick = follow(log, { after: 0n });
        await quick.reaches(await log.head());
        await quick.stop();
        const seen: number[] = [];
        while (seen.length < 1000) {
          const { value } = (await iterator.next()) as { readonly value: SubscriptionBatch };
          seen.push(...value.events.map(({ revision }) => revision));
        }
        expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
        await iterator.return?.();
      });

      it("end quietly by their signal: before, while waiting, and between batches", async () => {
        const log = await open();
        await log.append("shop.order-1", [anEvent()], "any");
        for await (const _ of log.subscribe({ after: 0n, signal: AbortSignal.abort() })) expect.unreachable();
        const waiting = follow(log, { after: 0n });
        await waiting.reaches(await log.head());
        await waiting.stop();
        const controller = new AbortController();
        let batches = 0;
        for await (const _ of log.subscribe({ after: 0n, signal: controller.signal })) {
          batches++;
          controller.abort();
        }
        expect(batches).toBe(1);
      });

      it("see exactly the log, begun at any moment while appends go on (property)", patient, async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.oneof({ weight: 3, arbitrary: anAppend }, { weight: 1, arbitrary: fc.constantFrom("begin", "begin filtered", "pause") }), {
              maxLength: 50,
            }),
            async (steps) => {
              const { log } = await openEmpty();
              const followers: { readonly after: bigint; readonly filter?: EventFilter; readonly follower: ReturnType<typeof follow> }[] = [];
              const appends: Promise<unknown>[] = [];
              for (const step of steps) {
                if (typeof step === "object") appends.push(settle(log.append(step.stream, step.events, step.expected)));
                else if (step === "pause") await Promise.all(appends);
                else {
                  const from = { after: await log.head(), ...(step === "begin" ? {} : { filter: { streamPrefixes: ["shop.order"] } }) };
                  followers.push({ ...from, follower: follow(log, from) });
                }
              }
              await Promise.all(appends);
              const head = await log.head();
              for (const { after, filter, follower } of followers) {
                await follower.reaches(head);
                expect(await follower.stop()).toEqual(await stored(log, { after, ...(filter === undefined ? {} : { filter }) }, true));
              }
              await log.close();
            },
          ),
          { numRuns: 25 },
        );
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
          for (const limit of [1, 3, 64, 65, 1000]) {
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

    describe("open and close", () => {
      it("begins with the log's id, which stays", async () => {
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

      it("closes within seconds after reads that ended at their limit, before the events did, or were left", async () => {
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
        await refuses(log.findByIds("shop", [newId()]), "CLOSED");
        await refuses(log.truncate("shop.order-1", 1), "CLOSED");
        await refuses(flat(log.readStream("shop.order-1")), "CLOSED");
        for await (const _ of log.subscribe({ after: 0n, signal: new AbortController().signal })) expect.unreachable();
        const again = await reopen();
        onTestFinished(() => again.close());
        expect(await again.streamRevision("shop.order-1")).toBe(1049);
      });
    });
  });
}

export function anEvent(data: Json = { total: 1 }): NewEvent {
  return { id: newId(), type: "order.placed", schemaVersion: 1, source: "test", occurredAt: "2026-01-02T03:04:05Z", data, metadata: { priority: "normal" } };
}

const strangeData: Json = {
  "": null,
  nested: { a: [[], {}, [{ b: [null, true, false] }]] },
  text: 'quotes " \\ / \b\f\n\r\t \u0000 \u2028 \ud83e\udd8a ß 漢字 עברית \ud800',
  numbers: [0, 1.5, -1e-7, 1e21, 9007199254740991, -9007199254740991, 5e-324],
  "key with . and - and 🦊": { "0": "a", "1": "b", "-1": "c" },
};

export async function flat(read: AsyncIterable<readonly StoredEvent[]>): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const batch of read) events.push(...batch);
  return events;
}

/** The log's events, without the one it begins with unless `own`. */
export async function stored(log: EventLog, options: Parameters<EventLog["readAll"]>[0] = {}, own = false): Promise<readonly StoredEvent[]> {
  return (await flat(log.readAll(options))).filter(({ stream }) => own || stream !== logStream);
}

function streamOf(log: EventLog, stream: string): Promise<readonly StoredEvent[]> {
  return flat(log.readStream(stream));
}

/** The answer, or the code of the refusal. */
async function settle(answer: Promise<readonly AppendedEvent[]>): Promise<readonly AppendedEvent[] | Extract<Answer, string>> {
  try {
    return await answer;
  } catch (error) {
    if (isRepriseError(error, "REVISION_CONFLICT", "EVENT_ID_REUSED")) return error.code as Extract<Answer, string>;
    throw error;
  }
}

export async function answerOf(log: EventLog, { stream, events, expected }: Append): Promise<Answer> {
  const answer = await settle(log.append(stream, events, expected));
  return typeof answer === "string" ? answer : answer.map(({ id, revision, duplicate }) => ({ id, revision, duplicate }));
}

export async function refuses(act: Promise<unknown>, code: RepriseError["code"], fields?: Readonly<Record<string, unknown>>): Promise<void> {
  const error = await act.then(
    () => expect.unreachable(`should have been refused with ${code}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RepriseError);
  expect((error as RepriseError).code).toBe(code);
  if (fields !== undefined) expect((error as RepriseError).fields).toEqual(fields);
}

/** A consumer that keeps what a subscription hands on. */
function follow(log: EventLog, options: Omit<SubscribeOptions, "signal">) {
  const controller = new AbortController();
  const seen: StoredEvent[] = [];
  const waiting: { readonly position: bigint; resolve(): void }[] = [];
  let reached = options.after;
  let live = false;
  let batches = 0;
  const ended = (async () => {
    for await (const batch of log.subscribe({ ...options, signal: controller.signal })) {
      expect(batch.position).toBeGreaterThanOrEqual(reached);
      expect(batch.events.every(({ position }) => position > reached && position <= batch.position)).toBe(true);
      seen.push(...batch.events);
      reached = batch.position;
      live = batch.live;
      batches++;
      for (const { position, resolve } of waiting) if (reached >= position) resolve();
    }
  })();
  return {
    ended,
    live: () => live,
    batches: () => batches,
    reaches: (position: bigint) =>
      reached >= position ? Promise.resolve() : Promise.race([ended, new Promise<void>((resolve) => waiting.push({ position, resolve }))]),
    async stop(): Promise<readonly StoredEvent[]> {
      controller.abort();
      await ended;
      return seen;
    },
  };
}

function ids(events: readonly { readonly id: string }[]): readonly string[] {
  return events.map(({ id }) => id);
}

function rises(positions: readonly bigint[]): boolean {
  return positions.every((position, i) => i === 0 || position > positions[i - 1]!);
}
