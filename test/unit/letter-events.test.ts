/** Which events of dead letters one reading brings, and what becomes of those that it does not bring. */
import { describe, expect, it } from "vitest";
import { findLetters, groupsOf, type LetterToRead } from "../../src/delivery/dispatcher/letter-events.ts";
import { makeLane, putLetter } from "../../src/delivery/partition/lane.ts";
import type { Letter } from "../../src/delivery/partition/letter.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";

function letter(stream: string, id: string, amended: Letter["amended"] = null): LetterToRead {
  const lane = makeLane(stream, 1);
  putLetter(lane, 0, { at: 1n, eventId: id, attempts: 1, decision: null, approval: null, amended, replay: null });
  return { lane, replay: { revision: 0 } as LetterToRead["replay"] };
}

const stored = (stream: string, id: string, revision = 0) => ({ stream, id, revision }) as StoredEvent;
const finds = (read: (ids: readonly string[]) => Promise<readonly StoredEvent[]>) =>
  ({ findByIds: (_tenant: string, ids: readonly string[]) => read(ids) }) as EventLog;
const streamsOf = (letters: readonly LetterToRead[]) => letters.map(({ lane }) => lane.stream);

async function find(letters: readonly LetterToRead[], log: EventLog) {
  const { found, missing, left } = await findLetters(log, groupsOf(letters).groups[0]!);
  return { found: found.map(({ letter: { lane }, event }) => `${lane.stream} ${event.id}`), missing: streamsOf(missing), left: streamsOf(left) };
}

describe("the events of dead letters", () => {
  const [a, b, c] = [letter("t.order-1", "a"), letter("t.order-2", "b"), letter("t.order-3", "c")];

  it("are read for each tenant together, because ids are unique only there; amended ones are read by themselves", () => {
    const other = letter("u.order-1", "a");
    const amended = letter("t.order-4", "d", { revision: 3, replayId: null });
    const ended = letter("t.order-5", "e");
    (ended.lane as { letters: unknown }).letters = new Map();
    const { groups, single } = groupsOf([a, other, amended, ended, b]);
    expect(groups.map(({ tenant, letters }) => [tenant, ...letters.keys()])).toEqual([
      ["t", "a", "b"],
      ["u", "a"],
    ]);
    expect(single).toEqual([amended, ended]);
  });

  it("come in any order, each to its letter", async () => {
    const log = finds(async () => [stored("t.order-3", "c"), stored("t.order-1", "a"), stored("t.order-2", "b")]);
    expect(await find([a, b, c], log)).toEqual({ found: ["t.order-1 a", "t.order-2 b", "t.order-3 c"], missing: [], left: [] });
  });

  it("that are gone, or stand elsewhere, are asked of their streams; those behind the last one that came get another reading", async () => {
    expect(
      await find(
        [a, b, c],
        finds(async () => [stored("t.order-2", "b")]),
      ),
    ).toEqual({ found: ["t.order-2 b"], missing: ["t.order-1"], left: ["t.order-3"] });
    expect(
      await find(
        [a, b],
        finds(async () => [stored("t.order-1", "a", 7), stored("t.order-9", "b")]),
      ),
    ).toEqual({
      found: [],
      missing: ["t.order-1", "t.order-2"],
      left: [],
    });
  });

  it("are each asked of its stream when the reading brings nothing or fails, so that one damaged record holds up no other", async () => {
    const none = { found: [], missing: ["t.order-1", "t.order-2"], left: [] };
    expect(
      await find(
        [a, b],
        finds(async () => []),
      ),
    ).toEqual(none);
    expect(
      await find(
        [a, b],
        finds(() => Promise.reject(new Error("a damaged page"))),
      ),
    ).toEqual(none);
  });
});
