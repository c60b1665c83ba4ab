/** Times of the command line: RFC 3339, or how long ago. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { instantOf } from "../../src/cli/instant.ts";
import { answerTo, listen } from "../support/cli.ts";
import { type FakeStore, makeFakeStore } from "../support/fake-store.ts";

const now = Date.parse("2026-03-01T00:30:00.500Z");

describe("a time of a flag", () => {
  it.each([
    ["1h", "2026-02-28T23:30:00.500Z"],
    ["30m", "2026-03-01T00:00:00.500Z"],
    ["1.5h", "2026-02-28T23:00:00.500Z"],
    ["0s", "2026-03-01T00:30:00.500Z"],
    ["250ms", "2026-03-01T00:30:00.250Z"],
    ["1d", "2026-02-28T00:30:00.500Z"],
    ["2w", "2026-02-15T00:30:00.500Z"],
    // Before all time that a log knows: everything, and no year that RFC 3339 cannot write.
    ["99999w", "1970-01-01T00:00:00.000Z"],
    // What may be a time is the service's to judge.
    ["2026-01-31T12:00:00+01:00", "2026-01-31T12:00:00+01:00"],
    ["2026-13-31", "2026-13-31"],
  ])("%s is %s", (text, instant) => {
    expect(instantOf("--since", text, now)).toBe(instant);
  });

  it.each(["", "1", "1 h", "-1h", "h", "1y", "yesterday", "1h30m", "1e3s", "99999999999999999999w", "12:00"])("%j is refused with what to write", (text) => {
    expect(() => instantOf("--until", text, now)).toThrow(/^--until is .*2026-01-31T12:00:00Z, or how long ago: 90s, 30m, 1h, 7d\.$/);
  });
});

describe("--since and --until", { timeout: 30_000 }, () => {
  let store: FakeStore;
  let service: { url: string; close(): Promise<void> };
  beforeAll(async () => {
    store = makeFakeStore();
    service = await listen(store);
  });
  afterAll(() => service.close());

  it.each([
    [["dlq", "ls"], "views.deadLetters"],
    [["dlq", "stats"], "views.deadLetterStats"],
    [["events", "ls"], "views.events"],
    [["dlq", "replay", "--yes"], "replayBatch"],
    [["dlq", "discard", "--yes", "--reason", "x"], "discardBatch"],
  ] as const)("of %j mean a time that long ago", async (command, method) => {
    const before = Date.now();
    await answerTo([...command, "--since", "1h", "--until", "30m"], { url: service.url });
    const { sinceMs, untilMs } = store.last(method)[0] as { sinceMs: number; untilMs: number };
    expect(sinceMs + 3_600_000).toBeGreaterThanOrEqual(before);
    expect(sinceMs + 3_600_000).toBeLessThanOrEqual(Date.now());
    expect(untilMs - sinceMs).toBeGreaterThanOrEqual(1_800_000);
    expect(untilMs - sinceMs).toBeLessThan(1_810_000);
  });

  it("stand in a plan as times, and are refused before anything is asked", async () => {
    await answerTo(["replay", "plan", "--history", "mail", "--since", "1d"], { url: service.url });
    expect(store.last("planReplay")).toMatchObject([{ kind: "history", filter: { sinceMs: expect.any(Number) } }, {}]);
    const calls = store.calls.length;
    expect(await answerTo(["dlq", "ls", "--since", "1 hour"], { url: service.url })).toMatchObject({ code: 2, stderr: expect.stringContaining("30m, 1h, 7d") });
    expect(store.calls.length).toBe(calls);
  });
});
