import { describe, expect, it } from "vitest";
import { emptyState } from "../../src/delivery/journal/state.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { type CheckedHandler, checkAppends, checkHistory, type Life } from "../support/crash-checker.ts";
import type { Call, Moment } from "../support/crash-receiver.ts";

const handler: CheckedHandler = { name: "hook", ordering: "strict", record: "batch", types: ["t"], maxAttempts: 1 };

/** Revisions 0 to 3 of one entity, at positions 1 to 4. */
const events = [0, 1, 2, 3].map(
  (revision) =>
    ({ id: `e${revision}`, type: "t", stream: "default.thing-a", entity: { type: "thing", id: "a" }, revision, position: BigInt(revision + 1) }) as StoredEvent,
);

/** `0 200` is a call and its answer, `0` one that is never answered, `0 500 replay` a replay; `killed` ends a life. */
function play(
  lines: readonly string[],
  { on = handler, checkpoints = [0n, 4n], killedMs = 100 }: { on?: CheckedHandler; checkpoints?: readonly bigint[]; killedMs?: number } = {},
) {
  const history: Moment[] = [];
  let life = 0;
  for (const [index, line] of lines.entries()) {
    if (line === "killed") {
      life++;
      continue;
    }
    const [revision, status, replay] = line.split(" ");
    const call: Call = {
      ...{
        handler: "hook",
        id: `e${revision}`,
        lane: "thing/a",
        revision: Number(revision),
        attempt: 1,
        replayId: replay ?? null,
        deliveryId: `d${revision}`,
        epoch: null,
        life,
        arrivedMs: index,
      },
      answered: status === undefined ? null : { atMs: index, status: Number(status) },
    };
    history.push({ kind: "arrived", call });
    if (status !== undefined) history.push({ kind: "answered", call });
  }
  const lives = checkpoints.slice(0, life + 1).map((checkpoint): Life => ({ killedMs, recorded: new Map([["hook", { ...emptyState(), checkpoint }]]) }));
  return checkHistory({ events, handlers: [on], history, lives, recordedWithinMs: 1000 });
}

describe("the checker of histories", () => {
  it("finds nothing where all is in order", () => {
    expect(play(["0 200", "1 200", "2", "killed", "0 200", "1 200", "2 200", "3 200"])).toMatchObject({ broken: [], repeats: 2, unrecorded: 2, running: 1 });
    expect(play(["0 500", "1 200", "0 200 replay"], { on: { ...handler, ordering: "relaxed" }, checkpoints: [4n] })).toMatchObject({ broken: [] });
  });

  it.each([
    ["a step over an event", ["0 200", "2 200"], "started before revision 1 was over"],
    ["a step back", ["0 200", "1 200", "0 200"], "was called again after it went well in this very life"],
    ["a follower of a dead letter", ["0 500", "1 200"], "started before revision 0 was over"],
    ["a dead letter that is called by itself", ["0 500", "0 200"], "was a dead letter, and was called by itself"],
    ["a replay of what is no dead letter", ["0 200 replay"], "was no dead letter"],
    ["two at once", ["0", "1 200"], "started while revision 0 ran"],
    ["an event that the log does not have there", ["7 200"], "is not where it was called"],
  ])("finds %s", (_, lines, what) => {
    expect(play(lines).broken).toContainEqual(expect.stringContaining(what));
  });

  it("finds a repeat of what was on record, an outcome that was not recorded in time, and one recorded too late for `each`", () => {
    expect(play(["0 200", "killed", "0 200"], { checkpoints: [1n, 4n] }).broken).toEqual([expect.stringContaining("though it was on record as done")]);
    expect(play(["0 200"], { killedMs: 5000 }).broken).toEqual([expect.stringContaining("was not on record 5000 ms after it was answered")]);
    expect(play(["0 200", "1 200"], { on: { ...handler, record: "each" } }).broken).toEqual([
      expect.stringContaining("before the one before it was on record"),
    ]);
  });

  it("finds events that were lost, doubled or moved, and holes", () => {
    const known = events.map(({ id, revision }) => ({ id, entity: "thing/a", revision }));
    expect(checkAppends(events, known)).toEqual([]);
    expect(checkAppends(events.slice(0, 3), known)).toEqual([expect.stringContaining("lost")]);
    expect(checkAppends([...events, { ...events[3]!, revision: 4 }], known)).toContainEqual("e3 is stored twice");
    expect(checkAppends(events, known.slice(1))).toEqual([expect.stringContaining("never acknowledged")]);
    expect(checkAppends(events.slice(1), known.slice(1))).toContainEqual("thing/a has revision 1 where 0 should be");
  });
});
