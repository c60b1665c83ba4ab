import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "../support/cli.ts";
import { eventId, type FakeStore, makeFakeStore, replayId, replayView } from "../support/fake-store.ts";
import { onTerminal as onTerminalOf } from "../support/person.ts";

let store: FakeStore;
let service: { url: string; close(): Promise<void> };
beforeAll(async () => {
  store = makeFakeStore({
    store: { replayBatch: async () => ({ replayId, total: 2, succeeded: 0, failed: 0, skipped: 0, skips: [], remaining: 2, position: "1" }) },
    views: { replay: async () => replayView },
  });
  service = await listen(store);
});
afterAll(() => service.close());

const onTerminal = (answer: string, ...args: string[]) => onTerminalOf(service.url, answer, args, { terminal: { columns: 40 } });

describe("on a terminal", () => {
  it("asks before a filter replay with the number that match, and does nothing without a yes", async () => {
    for (const answer of ["", "n", "no", "yikes"]) {
      const { code, err, asked } = await onTerminal(answer, "dlq", "replay", "--handler", "mail");
      expect(asked).toEqual(["Replay 1 of the 1 dead letters that match, the oldest first? [y/N] "]);
      expect({ code, err }).toEqual({ code: 4, err: "Nothing was done.\n" });
    }
    expect(store.calls.map(({ method }) => method)).not.toContain("replayBatch");
  });

  it("goes on after a yes, with a bar while it waits", async () => {
    const { code, err } = await onTerminal("y", "dlq", "replay", "--handler", "mail");
    expect(code).toBe(0);
    expect(err).toMatch(/█+ 2 of 2, 0 failed\n$/);
  });

  it("asks nothing with --yes, and nothing for ids", async () => {
    expect((await onTerminal("n", "dlq", "replay", "--all", "--yes")).asked).toEqual([]);
    expect((await onTerminal("n", "dlq", "replay", eventId)).asked).toEqual([]);
    expect((await onTerminal("n", "dlq", "discard", eventId, "--reason", "x")).asked).toEqual([]);
    expect(await onTerminal("n", "dlq", "discard", eventId, "b", "--reason", "x")).toMatchObject({ code: 4, asked: [expect.stringContaining("Discard 2")] });
  });

  it("shows what a filter would run, asks once, and runs nothing without a yes", async () => {
    const refused = await onTerminal("n", "replay", "run", "--handler", "mail", "--rate", "10");
    expect(refused).toMatchObject({ code: 4, out: "", asked: ["Deliver 1 event of 1 entity again, and then 2 events held behind them? [y/N] "] });
    expect(refused.err).toMatch(
      /deliveries +1\nentities +1\nreleases +2\nrate +10\/s\ntakes about +1 s\nreason +replay run --handler mail\n(?:.*\n)*.*cannot be lifted/,
    );
    expect(store.calls.map(({ method }) => method)).not.toContain("startReplay");
    expect(await onTerminal("y", "replay", "run", "--handler", "mail")).toMatchObject({ code: 0, err: expect.stringMatching(/█+ 2 of 2, 0 failed\n$/) });
    expect(await onTerminal("n", "replay", "watch", replayId)).toMatchObject({ code: 0, asked: [], err: expect.stringMatching(/^\r█+ 2 of 2, 0 failed\n$/) });
  });

  it("cuts tables to the width, and waits for no input", async () => {
    for (const line of (await onTerminal("", "dlq", "ls")).out.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(40);
    expect((await onTerminal("", "append")).code).toBe(2);
  });
});
