import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Pump } from "../../src/delivery/dispatcher/pump.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

function bench(during: (pump: Pump) => void = () => {}) {
  const clock = makeFakeClock();
  const state = { looks: 0 };
  const pump = new Pump(clock, () => {
    state.looks++;
    during(pump);
  });
  return { clock, pump, state };
}

describe("a dispatcher's pump", () => {
  it("looks once for a change that is made during a look", () => {
    const { pump, state } = bench((looking) => {
      looking.now();
      looking.soon();
    });
    pump.now();
    expect(state.looks).toBe(1);
  });

  it("looks again after a look that threw", () => {
    const { pump, state } = bench(() => {
      throw new Error("no");
    });
    expect(() => pump.now()).toThrow("no");
    expect(() => pump.now()).toThrow("no");
    expect(state.looks).toBe(2);
  });

  it("looks once for all calls that end in the same moment", async () => {
    const { pump, state } = bench();
    for (let call = 0; call < 100; call++) pump.soon();
    expect(state.looks).toBe(0);
    await Promise.resolve();
    expect(state.looks).toBe(1);
  });

  it("looks once a turn for many calls that each end in a callback of their own", async () => {
    const { pump, state } = bench();
    await endEachInACallback(pump, 100, 64);
    expect(state.looks).toBe(2); // after the first one, which may be the only one, and after the turn
    await endEachInACallback(pump, 100, 64);
    expect(state.looks).toBe(3);
  });

  it("looks after each call that ends while few are under way", async () => {
    const { pump, state } = bench();
    await endEachInACallback(pump, 100, 3);
    expect(state.looks).toBe(100);
  });

  it.each([
    [7, 3],
    [8, 1],
  ])("looks, with %i calls under way that end one by one, %i times for three that end in a turn", async (underWay, looks) => {
    const { pump, state } = bench();
    await endEachInACallback(pump, 1, 64); // one by one, as far as it knows
    state.looks = 0;
    await endEachInACallback(pump, 3, underWay);
    expect(state.looks).toBe(looks);
  });

  it("takes two callbacks a turn for calls that end one by one, and a look without an end changes nothing", async () => {
    const { pump, state } = bench();
    await endEachInACallback(pump, 1, 64);
    for (let turn = 0; turn < 3; turn++) {
      await endEachInACallback(pump, 2, 64);
      pump.now();
    }
    expect(state.looks).toBe(1 + 3 * 2);
  });

  it("looks in the same turn again once calls end together", async () => {
    const { pump, state } = bench();
    await endEachInACallback(pump, 100, 64);
    for (let turn = 0; turn < 2; turn++) {
      for (let call = 0; call < 64; call++) pump.callEnded(64);
      await nextTurn();
    }
    expect(state.looks).toBe(4);
    for (let call = 0; call < 64; call++) pump.callEnded(64);
    await Promise.resolve();
    expect(state.looks).toBe(5);
  });

  it("is behind until the next turn of the event loop has looked", async () => {
    const { pump, state } = bench();
    pump.nextTurn();
    pump.nextTurn();
    expect([pump.isBehind, state.looks]).toEqual([true, 0]);
    await nextTurn();
    expect([pump.isBehind, state.looks]).toEqual([false, 1]);
  });

  it("looks at the earliest of the times that it was told, and at none after `cancel`", async () => {
    const { clock, pump, state } = bench();
    pump.at(500, 0);
    pump.at(100, 0);
    pump.at(300, 0); // the look at 100 says what is next
    expect(clock.pending()).toBe(1);
    await clock.advance(100);
    expect(state.looks).toBe(1);
    pump.at(500, 100);
    await clock.advance(399);
    expect(state.looks).toBe(1);
    await clock.advance(1);
    expect(state.looks).toBe(2);
    pump.at(900, 500);
    pump.cancel();
    await clock.advance(1000);
    expect(state.looks).toBe(2);
  });
});

/** Resolves when the turn is over in which they ended. */
async function endEachInACallback(pump: Pump, calls: number, underWay: number): Promise<void> {
  for (let call = 0; call < calls; call++) setImmediate(() => pump.callEnded(underWay));
  await nextTurn();
  await nextTurn();
}
