import { describe, expect, it } from "vitest";
import { type Call, type CountedStatus, checkHistory, countDeliveries, type LogRow, makeHistory, type Story } from "../support/history-checker.ts";

const lane = "default.order-1";
const at = (revision: number): string => `${lane}@${revision}`;

/** `"0 1! 1"`: calls in order; `!` failed, `?` deferred, `r` of a replay, `(` goes on over the next one. */
function book(script: string): readonly Call[] {
  const history = makeHistory();
  const attempts = new Map<number, number>();
  let open: { call: Call; outcome: "completed" } | null = null;
  for (const word of script.split(" ")) {
    const revision = Number.parseInt(word, 10);
    const attempt = (attempts.get(revision) ?? 0) + 1;
    const call = history.begin({ lane, revision, attempt, deliveryId: `d${revision}`, replayId: word.includes("r") ? "r-1" : null });
    if (open) history.end(open.call, open.outcome);
    open = null;
    if (word.includes("?")) history.end(call, "deferred");
    else if (word.includes("(")) open = { call, outcome: "completed" };
    else history.end(call, word.includes("!") ? "failed" : "completed");
    if (!word.includes("?")) attempts.set(revision, attempt);
  }
  return history.calls;
}

function story(statuses: readonly CountedStatus[], changes: Partial<Story> = {}): Story {
  const wanted = new Map([[lane, statuses.map((_, revision) => revision)]]);
  const letters = statuses.flatMap((status, revision) => (status === "dead_lettered" || status === "replayed" || status === "discarded" ? [at(revision)] : []));
  return { wanted, statuses: new Map(statuses.map((status, revision) => [at(revision), status])), letters: new Set(letters), ...changes };
}

const done = "completed";
const relaxed = { ordering: "relaxed" } as const;

describe("the checker of histories", () => {
  it.each<[string, string, Story]>([
    ["in order", "0 1 2", story([done, done, done])],
    ["retried in place", "0 1! 1? 1 2", story([done, done, done])],
    ["held behind a dead letter", "0 1! 1!", story([done, "dead_lettered", "held"])],
    ["replayed, then the followers", "0 1! 1! 1r 2", story([done, "replayed", done])],
    ["discarded", "0 1! 1! 2", story([done, "discarded", done])],
    ["relaxed: on past a dead letter, which comes back later", "0 1! 2 1r 3", story([done, "replayed", done, done], relaxed)],
    ["repeated after a crash", "0 1 1 2", story([done, done, done], { crashes: [{ at: 4.5, next: () => 1 }] })],
  ])("finds nothing in: %s", (_name, script, account) => {
    expect(checkHistory(book(script), account)).toEqual([]);
  });

  it.each<[string, string, Story, RegExp]>([
    ["a step back", "0 1 0 2", story([done, done, done]), /@0 .* goes back behind 2/],
    ["a repeat", "0 1 1 2", story([done, done, done]), /@1 .* goes back behind 2/],
    ["an event left out", "0 2", story([done, done, done]), /@2 .* begins before 1 has ended/],
    ["a start above a dead letter", "0 1! 1! 2", story([done, "dead_lettered", done]), /@2 .* begins before 1 has ended \(a dead letter\)/],
    ["a follower before its replayed head", "0 1! 2 1r", story([done, "replayed", done]), /@2 .* begins before 1 has ended/],
    ["two at once", "0 1( 2", story([done, done, done]), /@2 .* began while 1 ran/],
    ["a step back beyond the record after a crash", "0 1 0 1 2", story([done, done, done], { crashes: [{ at: 4.5, next: () => 1 }] }), /@0 .* goes back/],
    ["relaxed: on past a retry", "0 1! 2 1", story([done, done, done], relaxed), /@2 .* begins before 1 has ended/],
    ["an event that was never called", "0 1", story([done, done, done]), /@2 is completed by the log, but no call completed/],
    ["a completed call that the log does not know", "0 1 2", story([done, done, "held"]), /@2 is held by the log, but a call completed/],
    ["an event that nobody wants", "0 1 7", story([done, done]), /@7 .* is not wanted/],
  ])("finds %s", (_name, script, account, words) => {
    expect(checkHistory(book(script), account).join("\n")).toMatch(words);
  });

  it("finds an attempt that is not counted, and a delivery id that changed", () => {
    const history = makeHistory();
    for (const [attempt, deliveryId] of [[1, "d"], [1, "e"]] as const) // biome-ignore format: one line
      history.end(history.begin({ lane, revision: 0, attempt, deliveryId, replayId: null }), attempt === 1 && deliveryId === "d" ? "failed" : "completed");
    const broken = checkHistory(history.calls, story([done])).join("\n");
    expect(broken).toMatch(/has another delivery id/);
    expect(broken).toMatch(/follows attempt 1/);
  });
});

it("counts deliveries out of the rows of a log", () => {
  const rows: LogRow[] = [];
  const add = (stream: string, type: string, data: LogRow["data"] = {}) =>
    rows.push({ position: rows.length + 1, stream, revision: rows.filter((row) => row.stream === stream).length, type, source: null, data });
  const journal = (type: string, data: LogRow["data"]) => add("reprise.journal-mail-1-0", type, data);
  add("reprise.handler-mail", "handler.configured", { types: { "order.placed": "2" } });
  add("default.order-a", "order.placed"); // before it was wanted
  add("default.order-a", "order.placed");
  add("default.order-b", "order.placed");
  add("default.order-b", "order.placed");
  add("default.order-c", "order.closed"); // another type
  add("default.order-a", "order.placed");
  journal("delivery.dead_lettered", { lane: "default.order-b", revision: 0, at: "4" });
  journal("progress", { checkpoint: "4", ahead: [] });
  const counted = countDeliveries(rows, "mail");
  expect(counted.wanted).toEqual(new Map([["default.order-a", [1, 2]], ["default.order-b", [0, 1]]])); // biome-ignore format: one line
  expect(counted.statuses).toEqual(
    new Map([
      ["default.order-a@1", "completed"],
      ["default.order-b@0", "dead_lettered"],
      ["default.order-b@1", "held"],
      ["default.order-a@2", "pending"],
    ]),
  );
});
