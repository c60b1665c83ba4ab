/** What may leave the log, compared with a list made by force: every rule looked up for every event, entity by entity. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { emptyState } from "../../src/delivery/journal/state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { planStream, replayStream } from "../../src/event/names.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { heldByHandler, type KnownHandler } from "../../src/retention/handler-hold.ts";
import { type Hold, holdText } from "../../src/retention/hold.ts";
import { OpenWorks } from "../../src/retention/open-work.ts";
import { makeJudge, type StreamPlace, type Verdict } from "../../src/retention/what-may-go.ts";

const nowMs = Date.parse("2026-06-01T00:00:00Z");

function stored(over: Partial<StoredEvent> & Pick<StoredEvent, "stream" | "revision">): StoredEvent {
  const [tenant = "", rest = ""] = over.stream.split(".");
  const [type = "", id = ""] = rest.split("-");
  return {
    ...{ id: "1", type: "thing.happened", schemaVersion: 1, source: null, occurredAt: null, data: {}, metadata: { priority: "normal" } },
    ...{ tenant, entity: { type, id }, position: 1n, recordedAt: new Date(nowMs - 1000).toISOString() },
    ...over,
  } as StoredEvent;
}

const rules = [
  { entityType: "order", afterMs: 1000, keepLast: 0, archive: "file:/a" },
  { entityType: "chat", afterMs: 5000, keepLast: 3, archive: "file:/a" },
  { entityType: "trace", afterMs: 1, keepLast: 1, archive: "file:/b" },
];

/** By entity: the longest beginning of which every event may go. */
function byForce(events: readonly StoredEvent[], held: ReadonlySet<StoredEvent>): ReadonlySet<StoredEvent> {
  const goes = new Set<StoredEvent>();
  for (const stream of new Set(events.map((event) => event.stream))) {
    const own = events.filter((event) => event.stream === stream);
    const rule = rules.find(({ entityType }) => entityType === own[0]!.entity.type);
    if (rule === undefined) continue;
    const may = own.map(
      (event, index) =>
        event.damage === undefined && nowMs - Date.parse(event.recordedAt) >= rule.afterMs && own.length - index > rule.keepLast && !held.has(event),
    );
    const end = may.indexOf(false);
    for (const event of own.slice(0, end === -1 ? own.length : end)) goes.add(event);
  }
  return goes;
}

const drawn = fc.array(fc.record({ entity: fc.nat({ max: 7 }), ageMs: fc.oneof(fc.nat({ max: 10_000 }), fc.constantFrom(0, 1, 999, 1000, 1001, 5000)) }), {
  maxLength: 60,
});
const few = fc.nat({ max: 9 });

describe("what may go", () => {
  it("is what a list made by force says, whatever is old, kept, held or damaged", () => {
    fc.assert(
      fc.property(drawn, fc.infiniteStream(few), (list, dice) => {
        const revisions = new Map<string, number>();
        const held = new Set<StoredEvent>();
        const events = list.map(({ entity, ageMs }, index) => {
          const stream = `shop.${["order", "chat", "trace", "other"][entity % 4]}-${entity}`;
          const revision = revisions.get(stream) ?? 0;
          revisions.set(stream, revision + 1);
          const roll = dice.next().value as number;
          const event = stored({
            ...{ stream, revision, position: BigInt(index + 1), recordedAt: new Date(nowMs - ageMs).toISOString() },
            ...(roll === 9 ? { damage: { detail: "a wrong bit", typeDoubtful: false } as never } : {}),
          });
          if (roll === 8) held.add(event);
          return event;
        });
        const { judge } = makeJudge(rules, nowMs, (event) => (held.has(event) ? { kind: "dead_letter", name: "mailer" } : null));
        const places = new Map<string, StreamPlace>();
        const verdicts = new Map<StoredEvent, Verdict>();
        for (const event of events) {
          const place = places.get(event.stream) ?? { next: 0, last: revisions.get(event.stream)! - 1, why: null };
          places.set(event.stream, place);
          verdicts.set(event, judge(event, place));
        }
        const goes = events.filter((event) => verdicts.get(event) === "goes");
        expect(new Set(goes)).toEqual(byForce(events, held));
        for (const [event, verdict] of verdicts) {
          if (event.entity.type === "other") expect(verdict).toBe("no_rule");
          // Whatever stays without a hold is young or kept by itself.
          if (typeof verdict === "object" && verdict.kind === "dead_letter")
            expect(events.some((other) => other.stream === event.stream && other.revision <= event.revision && held.has(other))).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const lane = "shop.order-1";
const about = (revision: number) => ({ lane, revision, at: String(revision + 1), eventId: "e" });
const record = { attempt: 1, startedAt: "2026-05-01T00:00:00.000Z", durationMs: 1, outcome: "failed", class: "terminal", error: null } as const;
const letter = (revision: number, escalated = false) =>
  ({
    type: "delivery.dead_lettered",
    data: { ...about(revision), attempts: 1, retryCount: 1, cause: "terminal", error: { type: "E", message: "m" }, chain: "c", escalated, record },
  }) as JournalEvent;
const act = { actor: "ada", reason: null };

function handler(events: readonly JournalEvent[], over: Partial<KnownHandler> = {}): KnownHandler {
  const state = emptyState();
  for (const [revision, event] of events.entries()) fold(state, event, revision);
  return { name: "mailer", isConfigured: true, isPaused: false, wants: () => true, stateOf: () => state, ...over };
}

const progress = (checkpoint: number): JournalEvent => ({ type: "progress", data: { checkpoint: String(checkpoint), ahead: [] } });
const heldOf = (known: KnownHandler, count = 6) =>
  Array.from({ length: count }, (_, revision) => {
    const hold = heldByHandler(known, stored({ stream: lane, revision, position: BigInt(revision + 1) }));
    return hold === null ? null : holdText(hold);
  });

describe("a handler holds", () => {
  it("what its checkpoint has not passed", () => {
    expect(heldOf(handler([progress(3)]))).toEqual([null, null, null, ...Array(3).fill("handler mailer is not that far")]);
  });

  it("nothing that it does not want", () => {
    expect(heldOf(handler([], { wants: () => false }))).toEqual(Array(6).fill(null));
  });

  it("a dead letter until it is over, and what waits behind it", () => {
    const before = [letter(2), progress(6)];
    expect(heldOf(handler(before))).toEqual([null, null, "dead letter of mailer", ...Array(3).fill("handler mailer is not that far")]);
    const settled: JournalEvent = { type: "delivery.settled", data: { ...about(2), outcome: "discarded", cause: null, act, record: null } };
    const passed: JournalEvent = { type: "progress", data: { checkpoint: "6", ahead: [[lane, 6, "6"]] } };
    expect(heldOf(handler([...before, settled, passed]))).toEqual(Array(6).fill(null));
  });

  it("what a relaxed lane has passed by no more than its dead letter", () => {
    expect(heldOf(handler([letter(2), { type: "progress", data: { checkpoint: "6", ahead: [[lane, 6, "6"]] } }]))).toEqual([
      null,
      null,
      "dead letter of mailer",
      ...Array(3).fill(null),
    ]);
  });

  it("what waits for a person", () => {
    expect(heldOf(handler([letter(0, true)]))[0]).toBe("escalation of mailer");
  });

  it("what a paused lane has not passed, and says that it is paused", () => {
    const paused: JournalEvent = { type: "lane.paused", data: { lane, next: 4, at: "4", before: "flowing", act } };
    expect(heldOf(handler([paused, progress(100)]))).toEqual([null, null, null, null, "paused lane of mailer", "paused lane of mailer"]);
  });

  it("while it is paused, or absent, what it has not done", () => {
    expect(heldOf(handler([progress(5)], { isPaused: true }))[5]).toBe("paused handler mailer");
    expect(heldOf(handler([progress(5)], { isConfigured: false }))[5]).toBe("absent handler mailer");
    expect(heldOf(handler([progress(5)], { isConfigured: false }))[4]).toBeNull();
  });

  it("all that it wants, when its journal cannot be read", () => {
    expect(heldOf(handler([], { stateOf: () => null }), 2)).toEqual(Array(2).fill("handler mailer is not that far"));
  });
});

describe("a plan holds", () => {
  const item = (revision: number) => ({ handler: "mailer", lane, revision, at: String(revision + 1), eventId: "e", attempts: 0 });
  const own = (stream: string, type: string, data: object) => stored({ stream, revision: 0, type, source: "reprise", data: data as never });
  const expiresAt = new Date(nowMs + 60_000).toISOString();
  const of = (works: OpenWorks, revision: number, atMs = nowMs): string | null => {
    const hold: Hold | null = works.holdOf(stored({ stream: lane, revision }), atMs);
    return hold === null ? null : holdText(hold);
  };
  const made = () => {
    const works = new OpenWorks();
    works.see(own(planStream("p1"), "replay.items", { items: [item(4), item(2)] }));
    return works;
  };

  it("its items, from its first one of each stream on, also while it is being written, until it expires", () => {
    const works = made();
    expect([1, 2, 3].map((revision) => of(works, revision))).toEqual([null, "open plan p1", "open plan p1"]);
    works.see(own(planStream("p1"), "plan.made", { planId: "p1", expiresAt }));
    expect(of(works, 2)).toBe("open plan p1");
    expect(of(works, 2, nowMs + 60_000)).toBeNull();
    works.tidy(nowMs + 60_000);
    expect(of(works, 2)).toBeNull();
  });

  it("them for its replay, until that has ended", () => {
    const works = made();
    works.see(own(planStream("p1"), "plan.made", { planId: "p1", expiresAt }));
    works.see(own(planStream("p1"), "plan.used", { job: { replayId: "r1" } }));
    expect(of(works, 2, nowMs + 1_000_000)).toBe("replay r1");
    works.see(own(replayStream("r1"), "replay.requested", { replayId: "r1" }));
    expect(of(works, 2)).toBe("replay r1");
    works.see(own(replayStream("r1"), "replay.ended", { status: "completed" }));
    expect(of(works, 2)).toBeNull();
  });

  it("nothing by what another program wrote", () => {
    const works = new OpenWorks();
    works.see({ ...own(planStream("p1"), "replay.items", { items: [item(2)] }), source: "x" });
    expect(of(works, 2)).toBeNull();
  });
});
