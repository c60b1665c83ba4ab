import { describe, expect, it } from "vitest";
import type { Session } from "../../src/cli/command.ts";
import { follow } from "../../src/cli/follow.ts";
import type { ReplayReply } from "../../src/http/wire/replays-replies.ts";

const bar = (filled: number): string => "█".repeat(filled) + "░".repeat(24 - filled);

async function shown(replay: Partial<ReplayReply>, { interactive = true, quiet = false } = {}): Promise<string> {
  let text = "";
  const client = { get: async () => ({ total: 10, remaining: 0, failed: 0, succeeded: 0, followers: 0, seconds_left: null, ...replay }) };
  const terminal = { err: (more: string) => void (text += more), interactive };
  const end = await follow({ client, terminal, quiet } as unknown as Session, "r-1", "7");
  expect(end.status).toBe(replay.status);
  return text;
}

describe("the bar of a followed replay", () => {
  it.each([
    // What a stopped one did not begin is skipped in its report, and nothing remains: it was not done all the same.
    [{ status: "stopped", succeeded: 2, failed: 1, skipped: 7 }, `${bar(7)} 3 of 10, 1 failed, stopped`],
    [{ status: "cancelled", succeeded: 5, failed: 0, skipped: 5 }, `${bar(12)} 5 of 10, 0 failed, cancelled`],
    [{ status: "stopped", succeeded: 0, failed: 0, skipped: 10 }, `${bar(0)} 0 of 10, 0 failed, stopped`],
    // Of one that came to its end the skipped ones are done with.
    [{ status: "completed", succeeded: 6, failed: 1, skipped: 3 }, `${bar(24)} 10 of 10, 1 failed`],
    [{ status: "paused", succeeded: 4, failed: 0, skipped: 0, remaining: 6 }, `${bar(10)} 4 of 10, 0 failed, paused`],
    [{ status: "completed", total: 0 }, `${bar(0)} 0 of 0, 0 failed`],
  ] as const)("of %j", async (replay, line) => {
    expect(await shown(replay)).toBe(`\r${line}\n`);
  });

  it("is drawn for people only", async () => {
    expect(await shown({ status: "completed" }, { interactive: false })).toBe("");
    expect(await shown({ status: "completed" }, { quiet: true })).toBe("");
  });

  it("leaves nothing that listens for Ctrl-C behind", async () => {
    const before = process.listenerCount("SIGINT");
    await shown({ status: "completed" });
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});
