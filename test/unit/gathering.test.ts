import { describe, expect, it } from "vitest";
import { Gathering, type GatheringNeeds } from "../../src/delivery/dispatcher/gathering.ts";

/** A partition whose calls end as the test says, and a pump whose next turn the test begins. */
function makeGathering({ running }: { readonly running: number }) {
  const world = { outcomes: 1, turns: 0, isBehind: false };
  const flushes = {
    get outcomes() {
      return world.outcomes;
    },
  };
  const pump = {
    get isBehind() {
      return world.isBehind;
    },
    nextTurn() {
      world.isBehind = true;
      world.turns++;
    },
  };
  const schedule = { running: () => Array.from({ length: running }) };
  return { world, gathering: new Gathering({ partition: { flushes, schedule } as unknown as GatheringNeeds["partition"], pump }) };
}

describe("a flush that somebody waits for, while calls run", () => {
  it("waits for as long as each turn brings another outcome, and for all looks of a turn together", () => {
    const { world, gathering } = makeGathering({ running: 3 });
    for (let turn = 1; turn <= 3; turn++) {
      for (let look = 0; look < 4; look++) expect(gathering.goesOn()).toBe(true);
      expect(world.turns).toBe(turn);
      world.outcomes++;
      world.isBehind = false;
    }
    expect(gathering.goesOn()).toBe(true);
    world.isBehind = false; // this turn brought none
    expect(gathering.goesOn()).toBe(false);
  });

  it("waits eight turns at most, and the next flush as long again", () => {
    const { world, gathering } = makeGathering({ running: 3 });
    for (let flush = 0; flush < 2; flush++) {
      const before = world.turns;
      while (gathering.goesOn()) {
        world.outcomes++;
        world.isBehind = false;
      }
      expect(world.turns - before).toBe(8);
      gathering.end();
      world.outcomes++;
    }
  });

  it("begins at once where nothing runs", () => {
    const { gathering } = makeGathering({ running: 0 });
    expect(gathering.goesOn()).toBe(false);
  });
});
