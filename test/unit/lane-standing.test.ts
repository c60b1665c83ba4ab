/** The rules by which a lane moves, for the fold of the journal and for the lane at work alike. That both come to the same, the random model checks. */
import { describe, expect, it } from "vitest";
import {
  isRecorded,
  type LaneStanding,
  type LetterStanding,
  letterOf,
  moveOn,
  paceIsOver,
  saysMore,
  stayAt,
} from "../../src/delivery/partition/lane-standing.ts";

const letter: LetterStanding = { at: 4n, eventId: "e4", attempts: 3, decision: null, approval: null, amended: { revision: 12, replayId: null } };

const troubled = (about: Partial<LaneStanding> = {}): LaneStanding => ({
  ...{ next: 5, at: 10n, detached: false, paused: false, letters: new Map(), pace: null },
  ...{ blockedBy: "newer_build", attempts: 2, deferred: { count: 1, ms: 500 } },
  ...about,
});

const untroubled = { blockedBy: null, attempts: 0, deferred: { count: 0, ms: 0 } };

describe("a lane that moves on", () => {
  it("forgets what was known of the event that was next", () => {
    const lane = troubled();
    expect(moveOn(lane, 6, 11n)).toBe(true);
    expect(lane).toEqual(troubled({ ...untroubled, next: 6, at: 11n }));
  });

  it.each([5, 4, 0])("stays, with its trouble, when everything before %i was done already", (next) => {
    const lane = troubled();
    expect(moveOn(lane, next, 9n)).toBe(false);
    expect(lane).toEqual(troubled());
  });

  it("knows the last event that is done, also when it does not move", () => {
    const lane = troubled();
    moveOn(lane, 5, 12n);
    expect(lane).toEqual(troubled({ at: 12n }));
  });

  it("never goes back in the log", () => {
    const lane = troubled();
    moveOn(lane, 9, 3n);
    expect(lane).toMatchObject({ next: 9, at: 10n });
  });

  it("follows a replay's pace up to the last event that the pace is for", () => {
    const pace = { replayId: "r", through: 6 };
    const over = [6, 7].map((next) => paceIsOver(troubled({ next, pace })));
    expect(over).toEqual([false, true]);
    expect(paceIsOver(troubled({ next: 7 }))).toBe(false);
  });
});

describe("a lane whose event is called again later", () => {
  it("keeps the deferrals of that event, or takes the new count", () => {
    const [failed, deferred] = [troubled(), troubled()];
    stayAt(failed, 5, 3, null);
    expect(failed).toEqual(troubled({ attempts: 3 }));
    stayAt(deferred, 5, 2, { count: 2, ms: 900 });
    expect(deferred).toEqual(troubled({ deferred: { count: 2, ms: 900 } }));
  });

  it("has none of the deferrals of an event before it", () => {
    const lane = troubled();
    stayAt(lane, 7, 1, null);
    expect(lane).toMatchObject({ next: 7, attempts: 1, deferred: { count: 0, ms: 0 } });
  });
});

describe("a dead letter", () => {
  it("that failed again keeps the data that an operator gave it", () => {
    const pointer = { revision: 4, position: 4n, id: "e4" };
    const again = letterOf(troubled({ letters: new Map([[4, letter]]) }), pointer, { attempts: 6, escalated: true });
    expect(again).toEqual({ ...letter, attempts: 6, decision: { part: null, dueAt: null, dueInMs: 0, onDue: "wait", told: "opened" }, replay: null });
    expect(letterOf(troubled(), pointer, { attempts: 1, escalated: false }).amended).toBeNull();
  });
});

describe("a lane is on record", () => {
  it.each([
    ["one that its own stream feeds", { detached: true }, true],
    ["one with a dead letter", { letters: new Map([[4, letter]]) }, true],
    ["one that only flows", {}, false],
  ] as const)("%s: %o", (_, about, recorded) => {
    expect(isRecorded(troubled(about))).toBe(recorded);
    expect(saysMore(troubled(about), 10n)).toBe(recorded);
  });

  it("until the checkpoint has passed it", () => {
    expect([9n, 10n].map((checkpoint) => saysMore(troubled(), checkpoint))).toEqual([true, false]);
  });
});
