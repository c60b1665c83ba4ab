/** State that is larger than an append, whichever list makes it so, in the real log. */
import { describe, expect, it, onTestFinished } from "vitest";
import { fold } from "../../src/delivery/journal/fold.ts";
import { JournalStream } from "../../src/delivery/journal/journal-stream.ts";
import { emptyState } from "../../src/delivery/journal/state.ts";
import { wholeBatch } from "../../src/delivery/journal/whole-batch.ts";
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import type { AttemptRecord } from "../../src/records/attempt.ts";
import type { JournalEvent } from "../../src/records/journal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const letters = 100_000;
const lanes = 10_000;
const longName = (n: number): string => `default.thing-${String(n).padStart(6, "0")}${"x".repeat(240)}`;
const record: AttemptRecord = {
  attempt: 2,
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 1,
  outcome: "completed",
  class: null,
  error: null,
  log: ["x".repeat(500)],
};
const claim = { owner: "test", build: "0", catalog: "c", readAhead: 4096 };

async function openJournal() {
  const log = await openSqliteLog(temporaryFolder());
  onTestFinished(() => log.close());
  const open = () => JournalStream.open({ log, newId, stream: "reprise.journal-big-1-0", start: 0n });
  return { log, open };
}

describe("a snapshot", () => {
  it(`holds ${letters} dead letters of one entity, and as many open calls and parts as there are`, { timeout: 120_000 }, async () => {
    const { open } = await openJournal();
    const journal = await open();
    const { state } = await journal.claim(claim);
    const about = (lane: string, revision: number) => ({ lane, revision, at: String(revision + 1), eventId: newId() });
    for (let revision = 0; revision < letters; revision++) {
      const letter = {
        attempts: 1,
        retryCount: 1,
        cause: "exhausted" as const,
        error: { type: "Error", message: "no" },
        chain: "",
        escalated: false,
        record: null,
      };
      fold(state, { type: "delivery.dead_lettered", data: { ...about("default.thing-one", revision), ...letter } }, 0);
    }
    for (let lane = 0; lane < lanes; lane++) {
      fold(state, { type: "delivery.started", data: { ...about(longName(lane), 1), attempt: 1, alone: false } }, 0);
      fold(state, { type: "delivery.part_completed", data: { ...about(longName(lane), 1), part: 0, of: 2, record } }, 0);
    }
    await journal.release();
    const again = await open();
    const { state: restored } = await again.claim(claim);
    fold(state, { type: "partition.released", data: {} }, 0);
    fold(state, { type: "partition.claimed", data: { ...claim, life: "" } }, 0);
    expect(restored.lanes.get("default.thing-one")?.letters.size).toBe(letters);
    expect(restored).toEqual(state);
  });
});

describe("a flush", () => {
  it.each([
    ["facts", Array.from({ length: 3000 }, (_, n): JournalEvent => ({ type: "lane.attached", data: { lane: longName(n), at: "1" } })), {}],
    ["lanes that moved", [], { ahead: lanes }],
    ["deliveries that completed after trouble", [], { completed: 3000 }],
    ["lanes that came back and calls that start", [], { attached: 3000, started: 3000 }],
  ] as const)("of more %s than one append takes is several", { timeout: 60_000 }, async (_, facts, lengths) => {
    const list = <T>(name: "ahead" | "completed" | "attached" | "started", each: (n: number) => T): readonly T[] =>
      Array.from({ length: (lengths as Partial<Record<typeof name, number>>)[name] ?? 0 }, (_each, n) => each(n));
    const { open } = await openJournal();
    const journal = await open();
    await journal.claim(claim);
    const events: JournalEvent[] = [
      ...facts,
      {
        type: "progress",
        data: {
          checkpoint: "7",
          ahead: list("ahead", (n) => [longName(n), 3, "9"] as const),
          completed: list("completed", (n) => ({ lane: longName(n), revision: 0, at: "1", eventId: newId(), record })),
          attached: list("attached", (n) => [longName(n), "8"] as const),
          started: list("started", (n) => [longName(n), 4, "9", newId(), 1, null] as const),
        },
      },
    ];
    expect(wholeBatch(journal, events)).toBe(null);
    const appends = journal.divide(events);
    expect(appends.length).toBeGreaterThan(1);
    const whole = emptyState();
    fold(whole, { type: "partition.claimed", data: { ...claim, life: "" } }, 0);
    for (const event of events) fold(whole, event, 0);
    for (const append of appends) await journal.append(append);
    const { state } = await (await open()).claim(claim);
    fold(whole, { type: "partition.claimed", data: { ...claim, life: "", lastEnd: "not_told" } }, 0);
    expect(state).toEqual(whole);
    expect(state.checkpoint).toBe(7n);
  });
});
