import { describe, expect, it } from "vitest";
import type { Session } from "../../src/cli/command.ts";
import { exit, Failure } from "../../src/cli/exit.ts";
import { follow } from "../../src/cli/follow.ts";
import type { ReplayReply } from "../../src/http/wire/replays-replies.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

const bar = (filled: number): string => "█".repeat(filled) + "░".repeat(24 - filled);

function answer(answers: (object | Failure)[]): object {
  const next = answers.shift()!;
  if (next instanceof Failure) throw next;
  return { total: 10, remaining: 0, failed: 0, succeeded: 0, followers: 0, releases_left: 0, seconds_left: null, ...next };
}

async function shown(replay: Partial<ReplayReply>, { interactive = true, quiet = false } = {}): Promise<string> {
  let text = "";
  const client = { get: async () => ({ total: 10, remaining: 0, failed: 0, succeeded: 0, followers: 0, releases_left: 0, seconds_left: null, ...replay }) };
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

  it("says what follows the letters, and the time that it takes", async () => {
    const running = { total: 10, failed: 0, succeeded: 4, remaining: 6, followers: 1, releases_left: 80, seconds_left: 86, status: "running" };
    const answers = [
      running,
      { ...running, succeeded: 10, remaining: 0, releases_left: 8, seconds_left: 8 },
      { ...running, status: "completed", remaining: 0 },
    ];
    let text = "";
    const client = { get: async () => answers.shift() };
    await follow({ client, terminal: { err: (more: string) => void (text += more), interactive: true }, quiet: false } as unknown as Session, "r-1", "7");
    expect(text).toContain(`${bar(10)} 4 of 10, 0 failed, 80 to follow, 86 s left`);
    expect(text).toContain(`${bar(24)} 10 of 10, 0 failed, 8 to follow, 8 s left`);
  });

  it("goes on when the service was restarted meanwhile, and says so", async () => {
    const answers: (object | Failure)[] = [{ status: "running" }, new Failure(exit.unreachable, "ECONNREFUSED"), { status: "completed" }];
    let text = "";
    const client = { get: async () => answer(answers) };
    const end = await follow(
      { client, terminal: { err: (more: string) => void (text += more), interactive: false }, quiet: false, output: "table" } as unknown as Session,
      "r-1",
    );
    expect(end.status).toBe("completed");
    expect(text).toBe("The service does not answer; asking again for 40 s. The replay goes on by itself once the service is back.\n");
  });

  it.each([
    ["a replay that was never seen", undefined, [], "ECONNREFUSED"],
    ["a service that says no", "7", [{ status: "running" }, new Failure(exit.refused, "KEY_INVALID")], "KEY_INVALID"],
  ] as const)("does not wait for %s", async (_what, position, before, message) => {
    const answers: (object | Failure)[] = [...before, new Failure(exit.unreachable, "ECONNREFUSED")];
    const client = { get: async () => answer(answers) };
    await expect(
      follow({ client, terminal: { err() {}, interactive: false }, quiet: false, output: "table" } as unknown as Session, "r-1", position),
    ).rejects.toThrow(message);
  });

  it("gives up in the end, and says what becomes of the replay", async () => {
    const clock = makeFakeClock();
    const client = {
      get: async () => {
        throw new Failure(exit.unreachable, "ECONNREFUSED");
      },
    };
    const end = follow({ client, terminal: { err() {}, interactive: false }, quiet: false, output: "table" } as unknown as Session, "r-1", "7", clock);
    end.catch(() => {});
    await clock.advance(41_000);
    await expect(end).rejects.toThrow(
      expect.objectContaining({
        exitCode: exit.unreachable,
        message: "ECONNREFUSED\nThe replay goes on once the service is back. To follow it: reprise replay watch r-1",
      }),
    );
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
