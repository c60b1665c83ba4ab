/** Beginnings of ids on the command line. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/cli/client.ts";
import { wholeId, wholeIds } from "../../src/cli/whole-id.ts";
import { listen } from "../support/cli.ts";
import { deadLetter, deliveryId, eventId, eventView, makeFakeStore, pageOf, planId, replayId, replayView } from "../support/fake-store.ts";
import { onTerminal } from "../support/person.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const id = (beginning: string, n: number): string => `${beginning}${String(n).padStart(36 - beginning.length, "0")}`.slice(0, 36);

/** A service whose every list has these pages. */
function lists(...pages: readonly (readonly string[])[]) {
  const asked: string[] = [];
  const get = async (path: string, query: { cursor?: string } = {}) => {
    asked.push(path);
    const at = Number(query.cursor ?? 0);
    const next_cursor = at + 1 < pages.length ? String(at + 1) : null;
    return { events: (pages[at] ?? []).map((each) => ({ id: each, delivery_id: each, deliveries: [] })), next_cursor };
  };
  return { client: { get } as unknown as Client, asked };
}

describe("the beginning of an id", () => {
  it.each([
    ["whole", "018f2b2e-7c4a-7d3b-8a1e-0123456789ab"],
    ["whole, in upper case", "018F2B2E-7C4A-7D3B-8A1E-0123456789AB"],
    ["too short", "018f2"],
    ["no id", "nope-no-id"],
    ["no id, with a line at another place", "018f2b-2e"],
    ["longer than an id", "018f2b2e-7c4a-7d3b-8a1e-0123456789ab0"],
  ])("is not looked up when it is %s", async (_, text) => {
    const { client, asked } = lists([]);
    expect(await wholeId(client, "event", text)).toBe(text);
    expect(asked).toEqual([]);
  });

  it("stands for the one id that begins so, on whatever page of the list that is", async () => {
    const [a, b] = [id("018f2b2e-", 1), id("018f2b2f-", 2)];
    const { client, asked } = lists([a], [], [b]);
    expect(await wholeIds(client, "letter", ["018f2b2f", "018F2B2E-0", b])).toEqual([b, a, b]);
    expect(asked).toHaveLength(3);
  });

  it("is refused with the candidates when several begin so, and when none does", async () => {
    const pages = [Array.from({ length: 12 }, (_, n) => id("018f2b2e-0000-7000-8000-", n)), [id("018f2b2e-0000-7000-8000-", 1)]];
    const refused = await wholeId(lists(...pages).client, "letter", "018f2b").catch((error: unknown) => error);
    expect(refused).toMatchObject({
      exitCode: 4,
      message: expect.stringMatching(/^018f2b begins several ids:\n(?: {2}018f2b2e-\S+\n){10} {2}and 2 more\nWrite more/),
    });
    expect((refused as { members: { candidates: string[] } }).members.candidates).toHaveLength(10);
    await expect(wholeId(lists(...pages).client, "letter", "aaaaaa")).rejects.toMatchObject({
      exitCode: 4,
      message: "No dead letter has an id that begins with aaaaaa.\nWrite the whole id.",
    });
  });

  it("is refused when the list is too long to be sure, after ten pages", async () => {
    const { client, asked } = lists([id("018f2b2e-", 1)], ...Array.from({ length: 20 }, () => ["x"]));
    await expect(wholeId(client, "letter", "018f2b")).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining("may begin more") });
    expect(asked).toHaveLength(10);
    // An event is only shown.
    expect(await wholeId(client, "event", "018f2b")).toBe(id("018f2b2e-", 1));
  });
});

describe("commands", { timeout: 30_000 }, () => {
  it.each([
    [["events", "show", eventId.slice(0, 8)], "views.event"],
    [["dlq", "show", deliveryId.slice(0, 6)], "views.findDeadLetters"],
    [["dlq", "replay", deliveryId.slice(0, 6)], "replay"],
    [["dlq", "amend", eventId.slice(0, 8), "--data", "{}", "--reason", "x"], "amend"],
    [["dlq", "discard", deliveryId.slice(0, 7), "--reason", "x"], "discard"],
    [["dlq", "give-up", deliveryId.slice(0, 7), "--reason", "x"], "giveUp"],
    [["replay", "plan", deliveryId.slice(0, 7)], "planReplay"],
    [["replay", "run", planId.slice(0, 18), "--reason", "x"], "replayPlan"],
    [["replay", "run", "--plan", planId.slice(0, 18), "--reason", "x"], "replayPlan"],
    [["replay", "show", replayId.slice(0, 18)], "replayState"],
    [["replay", "watch", replayId.slice(0, 18)], "replayState"],
    [["replay", "pause", replayId.slice(0, 18)], "actOnReplay"],
    [["replay", "rate", replayId.slice(0, 18), "5"], "setReplayRate"],
    [["export", "dlq", deliveryId.slice(0, 7)], "views.findDeadLetters"],
    [["dlq", "ls", "--replay-id", replayId.slice(0, 18)], "views.deadLetters"],
    [["dlq", "stats", "--replay-id", replayId.slice(0, 18)], "views.deadLetterStats"],
    [["replay", "plan", "--replay-id", replayId.slice(0, 18)], "planReplay"],
    [["export", "dlq", "--replay-id", replayId.slice(0, 18)], "views.deadLetters"],
  ] as const)("%j act on the whole id", async (args, method) => {
    const state = { ...replayView, planId, followers: 0, releasesLeft: 0, secondsLeft: 0 };
    const store = makeFakeStore({
      views: {
        events: pageOf([eventView]),
        deadLetters: async () => ({ events: [deadLetter], total: 1, nextCursor: null }),
      },
      store: { replayStates: async () => ({ replays: [state], nextCursor: null }) },
    });
    const { url, close } = await listen(store);
    await onTerminal(url, "y", args);
    await close();
    const all = [eventId, deliveryId, planId, replayId];
    expect(all.some((whole) => JSON.stringify(store.last(method)).includes(whole))).toBe(true);
  });
});

describe("the beginning of a key's id", () => {
  const key = (id: string, revoked_at: string | null = null) => ({
    ...{ id, name: `of ${id}`, tenant: "default", role: "read", secret_sha256: "0".repeat(64), previous_secret_sha256: null },
    ...{ created_at: "2026-01-01T00:00:00Z", expires_at: null, revoked_at, limit: null },
  });

  it("is that of the one key in force that begins so, and is refused with the candidates of several", async () => {
    const file = join(temporaryFolder(), "keys.json");
    const keys = [key("Ab12Cd34"), key("Ab12Cd35"), key("ab12Ce34"), key("ab12Ce99", "2026-01-02T00:00:00Z")];
    writeFileSync(file, JSON.stringify({ version: 1, keys }), { mode: 0o600 });
    const on = (...args: readonly string[]) => onTerminal("http://127.0.0.1:1", "", ["keys", ...args, "--file", file]);
    expect(await on("revoke", "Ab12Cd")).toMatchObject({ code: 4, err: expect.stringContaining("Ab12Cd begins several ids:\n  Ab12Cd34\n  Ab12Cd35") });
    expect(await on("revoke", "Ab12C")).toMatchObject({ code: 2, err: expect.stringContaining('no key with the id "Ab12C"') });
    expect(await on("revoke", "Zb12Cd")).toMatchObject({
      code: 4,
      err: expect.stringContaining("No key that was not revoked has an id that begins with Zb12Cd"),
    });
    expect(await on("revoke", "ab12Ce")).toMatchObject({ code: 0, out: "ab12Ce34\n" });
    expect(await on("rotate", "Ab12Cd35")).toMatchObject({ code: 0 });
  });
});
