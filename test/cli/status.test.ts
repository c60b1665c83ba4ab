/** `reprise status`, and the way from there to a running replay. */
import { execFileSync } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { letterMatters } from "../../src/cli/status/dead-letters.ts";
import { errorGroupMatters } from "../../src/cli/status/error-groups.ts";
import { escalationMatters } from "../../src/cli/status/escalations.ts";
import { handlerMatters } from "../../src/cli/status/handlers.ts";
import { integrationMatters } from "../../src/cli/status/integrations.ts";
import { shellWord } from "../../src/cli/status/shell-word.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { RepriseError } from "../../src/errors.ts";
import type { DeadLetterStatsReply } from "../../src/http/wire/dead-letters-replies.ts";
import { toErrorGroupReply } from "../../src/http/wire/error-groups.ts";
import { toEscalationReply } from "../../src/http/wire/escalations.ts";
import { toHandlersReply } from "../../src/http/wire/service.ts";
import type { HandlerView } from "../../src/views/model/handler.ts";
import { listen } from "../support/cli.ts";
import { errorGroup, escalationView, makeFakeStore, replayId, replayView } from "../support/fake-store.ts";
import { onTerminal } from "../support/person.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { handlerShows, startStore } from "../support/test-store.ts";

const stats = (...errors: (readonly [string, number])[]): DeadLetterStatsReply => ({
  ...{ total: errors.reduce((sum, [, count]) => sum + count, 0), waiting: 0, oldest_at: null, by_event_type: [], by_handler: [], by_source: [] },
  top_errors: errors.slice(0, 10).map(([error, count]) => ({ error, count })),
  left_out: {
    top_errors: { kinds: Math.max(0, errors.length - 10), count: errors.slice(10).reduce((sum, [, count]) => sum + count, 0) },
    by_source: { kinds: 0, count: 0 },
  },
});
const nexts = (handler: string, of: DeadLetterStatsReply, absent = false) => letterMatters(handler, of, absent).map(({ count, next }) => [count, next]);

async function service(replace: Parameters<typeof makeFakeStore>[0] = {}) {
  const store = makeFakeStore(replace);
  const { url, close } = await listen(store);
  onTestFinished(close);
  return { store, url };
}

const handlerOf = async (): Promise<HandlerView> => (await makeFakeStore().views.handlers())[0]!;
const none = {
  deadLetterStats: async () => ({
    total: 0,
    waiting: 0,
    oldestAt: null,
    byEventType: [],
    byHandler: [],
    bySource: [],
    topErrors: [],
    leftOut: { errors: { kinds: 0, count: 0 }, sources: { kinds: 0, count: 0 } },
  }),
};

describe("dead letters", () => {
  it("have the shortest command that delivers exactly them", () => {
    expect(nexts("ledger", stats(["TypeError: no total", 500]))).toEqual([[500, "reprise replay run --handler ledger"]]);
    expect(nexts("ledger", stats(["TypeError: no total", 5], ["HttpError: HTTP 503", 3], ["HttpError: HTTP 500", 2]))).toEqual([
      [5, "reprise replay run --handler ledger --error TypeError"],
      [3, "reprise replay run --handler ledger --error 'HttpError: HTTP 503'"],
      [2, "reprise replay run --handler ledger --error 'HttpError: HTTP 500'"],
    ]);
    // Of errors that are not shown nobody knows the types.
    const many = stats(...Array.from({ length: 12 }, (_, index) => [`E${index}: x`, 20 - index] as const));
    expect(nexts("ledger", many)).toEqual([
      [20, "reprise replay run --handler ledger --error 'E0: x'"],
      [19, "reprise replay run --handler ledger --error 'E1: x'"],
      [18, "reprise replay run --handler ledger --error 'E2: x'"],
      [many.total - 57, "reprise dlq stats --handler ledger"],
    ]);
    expect(nexts("gone", stats(["A: x", 1]), true)).toEqual([[1, "reprise dlq ls --handler gone"]]);
  });

  it("never put a sender's text into a command that a shell would take for more than a word", () => {
    for (const evil of ["a'; rm -rf / #", "$(id)", "`id`", "a\\'b", "!!", "a b", "-rf", "*", "~", "é ñ", '"', "''", ""])
      expect(execFileSync("sh", ["-c", `printf %s ${shellWord(evil)}`], { encoding: "utf8" })).toBe(evil);
    for (const unseen of ["a\nb", "\u001b[31m", "\u202eabc", "a\tb", "\r"]) expect(shellWord(unseen)).toBeNull();
    expect(nexts("ledger", stats(["E: \u001b[2J", 2], ["E: b", 1]))[0]).toEqual([2, "reprise dlq ls --handler ledger"]);
    expect(nexts("ledger", stats([`E: ${"x".repeat(500)}`, 2], ["E: b", 1]))[0]).toEqual([2, "reprise dlq ls --handler ledger"]);
  });
});

describe("handlers", () => {
  it.each([
    [{ state: "paused", why: "paused by anna: look first" }, "reprise handlers resume mail"],
    [{ state: "absent", why: "not in the config" }, "reprise handlers retire mail --reason 'not in the config any more'"],
    [
      { state: "stopped", why: "it stands still", fault: "JOURNAL_FOREIGN: a script wrote" },
      "reprise handlers repair mail --reason 'another program wrote there'",
    ],
    [{ state: "stopped", why: "it stands still", fault: "JOURNAL_DAMAGED: cut off" }, "reprise doctor"],
    [{ state: "fenced", why: "another one has it" }, "reprise handlers ls"],
    [{ state: "standby" }, undefined],
    [{ state: "absent", waiting: 0 }, undefined],
    [{ state: "running" }, undefined],
  ] as const)("of %j: %s", async (change, next) => {
    const quiet = { ...(await handlerOf()), lanes: { flowing: 1, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 } };
    const [handler] = toHandlersReply([{ ...quiet, ...change }], true).handlers;
    expect(handlerMatters(handler!).map((matter) => matter.next)).toEqual(next === undefined ? [] : [next]);
  });

  it("tell of entities that stand still, and of those that only wait", async () => {
    const lanes = { flowing: 1, backing_off: 4, blocked: 3, paused: 2, behind: 0, stuck: 1 };
    const [running, paused] = toHandlersReply(
      [
        { ...(await handlerOf()), lanes },
        { ...(await handlerOf()), state: "paused", lanes },
      ],
      true,
    ).handlers;
    expect(handlerMatters(running!).map(({ found, wrong }) => [found, wrong])).toEqual([
      ["1 entity of mail stuck: the call goes on though its time-out is over", true],
      ["3 entities of mail held behind a dead letter", true],
      ["2 entities of mail paused", true],
      ["4 entities of mail waiting for the next attempt", false],
    ]);
    expect(handlerMatters(paused!).map(({ found }) => found)).not.toContain("2 entities of mail paused");
    const heldBehind = (dead_lettered: number, escalated: number) =>
      handlerMatters({ ...running!, by_status: { ...running!.by_status, dead_lettered, escalated } })[1]!.found;
    expect(heldBehind(0, 3)).toBe("3 entities of mail held behind a decision that is open");
    expect(heldBehind(2, 1)).toBe("3 entities of mail held behind a dead letter or a decision that is open");
  });
});

describe("integrations", () => {
  const [at, until] = ["2026-01-02T00:00:00.000Z", "2026-01-02T00:01:00.000Z"];
  const bank = { name: "bank", state: "closed", since: at, until: null, gated_until: null, failures: 0, waiting: 12 } as const;
  it.each([
    [{ state: "open", until }, `true Integration bank is down since ${at}, tried again at ${until}; 12 events wait for its handlers → reprise integrations ls`],
    [
      { state: "half_open", waiting: 1 },
      `true Integration bank is down since ${at}, and is being tried again; 1 event waits for its handlers → reprise integrations ls`,
    ],
    [{ state: "isolated", waiting: 0 }, `true Integration bank is isolated since ${at}: nothing calls it → reprise integrations reset bank`],
    [{ gated_until: until, waiting: 0 }, `false Integration bank asked to be left alone until ${until} → reprise integrations ls`],
    [{}, undefined],
  ] as const)("of %j", (change, expected) => {
    const [matter] = integrationMatters({ ...bank, handlers: ["charge"], ...change });
    expect(matter && `${matter.wrong} ${matter.found} → ${matter.next}`).toBe(expected);
  });
});

describe("decisions", () => {
  it("stand together by handler, with what they are about and when the first is due", () => {
    const open = ["a", "b", "b", "c", "d"].map((why, index) => ({
      ...toEscalationReply(escalationView),
      ...{ handler: index === 0 ? "charge" : "mail", why, due_at: index === 0 ? null : `2026-01-0${7 - index}T00:00:00.000Z` },
    }));
    expect(escalationMatters({ escalations: open, next_cursor: null }).map(({ count, found, next }) => [count, found, next])).toEqual([
      [1, "1 delivery of charge waits for a person's decision: a", "reprise escalations ls --handler charge"],
      [4, "4 deliveries of mail wait for a person's decision: b; c; d (the first due 2026-01-03T00:00:00.000Z)", "reprise escalations ls --handler mail"],
    ]);
    expect(escalationMatters({ escalations: open, next_cursor: "more" })[0]?.found).toMatch(/^at least 1 delivery of charge/);
    expect(escalationMatters({ escalations: [], next_cursor: null })).toEqual([]);
  });

  it("take the place of the dead letters that they are, because a batch leaves those alone", async () => {
    const open = async () => ({ escalations: [{ ...escalationView, handler: "mail" }], nextCursor: null });
    const { url } = await service({ views: { ...calmViews, escalations: open }, store: calmStore });
    const { code, out } = await onTerminal(url, "", ["status", "-o", "json"]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      matters: [
        { kind: "escalations", found: `1 delivery of mail waits for a person's decision: a refund over 100 (due ${escalationView.dueAt})` },
        { kind: "lanes" },
      ],
    });
  });
});

describe("error groups", () => {
  const group = { ...toErrorGroupReply(errorGroup), fingerprint: "v1:abc", handler: "mail", type: "Error", message: "mail server down", count: 7 };
  it("stand in one line, which is not wrong by itself", () => {
    expect(errorGroupMatters({ groups: [group], next_cursor: null })).toMatchObject([
      { wrong: false, count: 1, found: "1 error group is open; seen last: Error: mail server down (mail, 7 failures)", next: "reprise errors show v1:abc" },
    ]);
    const [several] = errorGroupMatters({ groups: [{ ...group, message: "x".repeat(500) }, group], next_cursor: "more" });
    expect(several).toMatchObject({
      count: 2,
      found: expect.stringMatching(/^at least 2 error groups are open; seen last: Error: x{93}… /),
      next: "reprise errors ls",
    });
    expect(errorGroupMatters({ groups: [], next_cursor: null })).toEqual([]);
  });
});

/** No decision is open, and all integrations are up. */
const calmViews = { escalations: async () => ({ escalations: [], nextCursor: null }), errorGroups: async () => ({ groups: [], nextCursor: null }) };
const calmStore = { integrations: async () => [], replayStates: async () => ({ replays: [], nextCursor: null }) };

describe("status", () => {
  it("is 0 and one line when all is well", async () => {
    const calm = async () => [{ ...(await handlerOf()), lanes: { flowing: 1, backing_off: 0, blocked: 0, paused: 0, behind: 0, stuck: 0 } }];
    const { url } = await service({ views: { ...none, ...calmViews, handlers: calm }, store: calmStore });
    expect(await onTerminal(url, "", ["status"])).toMatchObject({ code: 0, out: `All is well at ${url}: 1 handler, nothing stands still, no dead letters.\n` });
    const { code, out } = await onTerminal(url, "", ["status", "-o", "json"]);
    expect({ code, reply: JSON.parse(out) }).toEqual({ code: 0, reply: { ok: true, ready: true, handlers: 1, matters: [] } });
  });

  it("is 1 with what is wrong first, each with a command of its own", async () => {
    const going = { ...replayView, status: "running", endedAt: null, remaining: 1, followers: 0, releasesLeft: 0, secondsLeft: 1 } as const;
    const { url } = await service({
      views: calmViews,
      store: {
        ...calmStore,
        warnings: () => ["A clock is ahead."],
        replayStates: async () => ({ replays: [going, { ...going, status: "paused" }], nextCursor: null }),
      },
    });
    const { code, out } = await onTerminal(url, "", ["status"]);
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      "wrong  1 dead letter of mail: Error: mail server down",
      "       reprise replay run --handler mail",
      "wrong  1 entity of mail held behind a dead letter",
      "       reprise entities ls --handler mail --lane-state blocked",
      `wrong  Replay ${replayId} is paused: 1 of 2 done, 0 failed (mail is back)`,
      `       reprise replay resume ${replayId}`,
      "wrong  A clock is ahead.",
      "       reprise doctor",
      `now    Replay ${replayId} is running: 1 of 2 done, 0 failed (mail is back)`,
      `       reprise replay watch ${replayId}`,
      "",
    ]);
    expect((await onTerminal(url, "", ["status", "-q"])).out).toBe("dead_letters\nlanes\nreplay\nwarning\n");
    expect(JSON.parse((await onTerminal(url, "", ["status", "-o", "json"])).out)).toMatchObject({
      ...{ ok: false, ready: true },
      matters: [{ kind: "dead_letters", wrong: true, handler: "mail", count: 1, next: "reprise replay run --handler mail" }, {}, {}, {}, { wrong: false }],
    });
  });

  it("fits on a screen, whatever is wrong", async () => {
    const handlers = async () => Array.from({ length: 40 }, (_, index) => ({ ...replacement, name: `h${index}` }));
    const replacement = { ...(await handlerOf()), state: "paused" as const, why: "paused by anna" };
    const { url } = await service({ views: { handlers } });
    const lines = (await onTerminal(url, "", ["status"])).out.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(lines.at(-1)).toMatch(/^… and \d+ more: reprise status -o json$/);
  });

  it("says what a service that is not ready waits for, and exits with 5 when there is no service", async () => {
    const away = () => Promise.reject(new RepriseError("LOG_UNAVAILABLE", "There is no quorum.", { retryAfterMs: 1000 }));
    const { url } = await service({
      store: { notReady: () => "the log: no quorum", replayStates: away, integrations: away },
      views: { handlers: away, deadLetterStats: away, escalations: away, errorGroups: away },
    });
    expect(await onTerminal(url, "", ["status"])).toMatchObject({
      code: 1,
      out: "wrong  The service is not ready: the log: no quorum\n       reprise doctor\n",
    });
    expect(await onTerminal("http://127.0.0.1:1", "", ["status"])).toMatchObject({ code: 5, err: expect.stringContaining("reprise serve") });
  });
});

describe("from `status` to a running replay", { timeout: 60_000 }, () => {
  it("of 500 dead letters takes at most 60 keystrokes", async () => {
    const placed = defineEvent("order.placed", { 1: z.object({}) });
    let mended = false;
    const ledger = defineHandler({
      ...{ name: "ledger", events: [placed], startFrom: "beginning", retry: { maxAttempts: 1 } },
      on: {
        "order.placed": async () => {
          if (!mended) throw new TypeError("no total");
        },
      },
    });
    const folder = temporaryFolder();
    const store = await startStore(defineConfig({ events: [placed], handlers: [ledger] }), folder);
    await store.append(Array.from({ length: 500 }, (_, index) => ({ type: "order.placed", entity: { type: "order", id: `o-${index}` }, data: {} })));
    await handlerShows(store, folder, "ledger", { byStatus: { dead_lettered: 500 } });
    const { url, close } = await listen(store);
    onTestFinished(close);
    mended = true;

    let typed = "";
    const type = (text: string): string => {
      typed += `${text}\n`;
      return text;
    };
    const status = await onTerminal(url, "", type("reprise status").split(" ").slice(1));
    const next = status.out.split("\n").find((line) => line.includes("replay run"))!;
    const run = await onTerminal(url, type("y"), type(next.trim()).split(" ").slice(1));
    expect(typed).toBe("reprise status\ny\nreprise replay run --handler ledger\n");
    expect(typed.length).toBeLessThanOrEqual(60);

    expect(run.asked).toEqual(["Deliver 500 events of 500 entities again? [y/N] "]);
    expect(run.err).toMatch(/deliveries +500\nentities +500\nreleases +0\nreason +replay run --handler ledger\n/);
    expect({ code: run.code, out: run.out }).toMatchObject({ code: 0, out: expect.stringMatching(/status +completed\nreason +replay run --handler ledger\n/) });
    expect(run.out).toMatch(/succeeded +500\n/);
    expect(await onTerminal(url, "", ["status"])).toMatchObject({ code: 0 });
    // Nothing is left: that is no failure, and nobody is asked.
    expect(await onTerminal(url, "", ["replay", "run", "--handler", "ledger"])).toMatchObject({ code: 0, asked: [], out: "No dead letter matches.\n" });
  });
});
