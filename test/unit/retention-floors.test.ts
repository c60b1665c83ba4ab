/** Run after run: each begins where the last one ended, and what goes is what a list made by force from the whole log says. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream } from "../../src/event/names.ts";
import type { EventLog, ReadAllOptions } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { RetentionFloors, RetentionStreamData } from "../../src/records/retention.ts";
import { Findings } from "../../src/retention/findings.ts";
import { digestOf, floorsOf, Leaving } from "../../src/retention/floors.ts";
import { Scan } from "../../src/retention/scan.ts";
import { makeJudge } from "../../src/retention/what-may-go.ts";
import { anEvent, flat } from "../contract/log-events.ts";
import { runOnce } from "../support/retention-scene.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const hourMs = 3_600_000;
const rules = [
  { entityType: "order", afterMs: 3 * hourMs, keepLast: 0, archive: "file:/a" },
  { entityType: "chat", afterMs: 2 * hourMs, keepLast: 2, archive: "file:/a" },
  { entityType: "trace", afterMs: 9 * hourMs, keepLast: 1, archive: "file:/a" },
];
const types = ["order", "chat", "trace", "other"];
const key = ({ stream, revision }: StoredEvent) => `${stream} ${revision}`;

interface Round {
  readonly appends: readonly { readonly entity: number; readonly count: number; readonly minutes: number }[];
  /** Entities that something holds in this round, from which revision on. */
  readonly held: readonly { readonly entity: number; readonly from: number }[];
}

const round: fc.Arbitrary<Round> = fc.record({
  appends: fc.array(fc.record({ entity: fc.nat({ max: 9 }), count: fc.integer({ min: 1, max: 4 }), minutes: fc.nat({ max: 90 }) }), { maxLength: 25 }),
  held: fc.array(fc.record({ entity: fc.nat({ max: 9 }), from: fc.nat({ max: 5 }) }), { maxLength: 4 }),
});

const streamOf = (entity: number) => `shop.${types[entity % 4]}-${entity}`;

function byForce(events: readonly StoredEvent[], { held }: Round, nowMs: number): readonly string[] {
  return [...new Set(events.map(({ stream }) => stream))].flatMap((stream) => {
    const own = events.filter((event) => event.stream === stream);
    const rule = rules.find(({ entityType }) => entityType === own[0]!.entity.type);
    if (rule === undefined) return [];
    const from = held.filter(({ entity }) => streamOf(entity) === stream).reduce((least, one) => Math.min(least, one.from), Number.POSITIVE_INFINITY);
    const may = (event: StoredEvent, index: number) =>
      nowMs - Date.parse(event.recordedAt) >= rule.afterMs && own.length - index > rule.keepLast && event.revision < from;
    const end = own.findIndex((event, index) => !may(event, index));
    return own.slice(0, end === -1 ? own.length : end).map(key);
  });
}

it("is the same as from the whole log, however many streams are held and let go, and however few of them are noted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 6 }), fc.constantFrom(0, 1, 3, 256), async (rounds, noted) => {
      let nowMs = Date.parse("2026-01-01T00:00:00Z");
      const log = openMemoryLog({ clock: { ...systemClock, now: () => nowMs } });
      let floors: RetentionFloors | null = null;
      for (const each of rounds) {
        for (const { entity, count, minutes } of each.appends) {
          nowMs += minutes * 60_000;
          await log.append(streamOf(entity), Array.from({ length: count }, () => anEvent()), "any"); // biome-ignore format: one line
        }
        nowMs += 1;
        const head = await log.head();
        const firstHeld = (stream: string) => each.held.filter(({ entity }) => streamOf(entity) === stream).map((one) => one.from);
        const { judge } = makeJudge(rules, nowMs, ({ stream, revision }) =>
          firstHeld(stream).some((least) => revision >= least) ? { kind: "dead_letter", name: "mailer" } : null,
        );
        const leaving = new Leaving(noted);
        const lastEnd = floors === null ? null : ({ rules: digestOf(rules), scannedTo: "0", floors } as unknown as RetentionStreamData["retention.ended"]);
        const needs = { log, rules, judge, nowMs, floorOf: floorsOf(lastEnd, rules), leaving, findings: new Findings(rules, nowMs) };
        const goes: StoredEvent[] = [];
        const scan = new Scan({ ...needs, between: async () => {}, signal: new AbortController().signal });
        for await (const batch of scan.batches()) goes.push(...batch.map(({ event }) => event));
        const all = (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream));
        expect(goes.map(key).sort()).toEqual([...byForce(all, each, nowMs)].sort());
        for (const { stream, revision } of goes) await log.truncate(stream, revision + 1);
        floors = JSON.parse(JSON.stringify(leaving.floors(head))) as RetentionFloors;
        expect(floors.staying.length).toBeLessThanOrEqual(noted);
      }
      await log.close();
    }),
    { numRuns: 40 },
  );
});

it("reads next to nothing when there is nothing to do, though most of the log stays", async () => {
  let nowMs = Date.parse("2026-01-01T00:00:00Z");
  const clock = { ...systemClock, now: () => nowMs };
  const log = openMemoryLog({ clock, batchSize: 4 });
  for (let n = 0; n < 400; n++) {
    nowMs += 60_000;
    await log.append(streamOf(n % 12), [anEvent(), anEvent(), anEvent()], "any");
  }
  const read = { events: 0 };
  const counting = new Proxy(log, {
    get(target, name: keyof EventLog) {
      const member = Reflect.get(target, name, target) as (...given: unknown[]) => unknown;
      if (name !== "readAll") return typeof member === "function" ? member.bind(target) : member;
      return async function* (options?: ReadAllOptions) {
        for await (const batch of target.readAll(options)) {
          read.events += batch.length;
          yield batch;
        }
      };
    },
  });
  const archive = `file:${temporaryFolder()}`;
  const run = () => runOnce(counting, { rules: rules.map((rule) => ({ ...rule, archive })), clock });
  const first = await run();
  expect(first.archived).toBeGreaterThan(200);
  expect(read.events).toBeGreaterThan(400);
  read.events = 0;
  expect((await run()).archived).toBe(0);
  expect(read.events).toBeLessThan(30);
  nowMs += hourMs;
  await log.append(streamOf(1), [anEvent()], "any"); // one that was kept may go now
  read.events = 0;
  const second = await run();
  expect(second.archived).toBeGreaterThan(0);
  expect(read.events).toBeLessThan(560);
  await log.close();
});
