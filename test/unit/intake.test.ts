import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { makeIntake } from "../../src/log/eventstoredb/intake.ts";
import { NoAnswerError } from "../../src/log/eventstoredb/server-error.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

/** A stream of the client, into which nothing comes but by `push`. */
function open() {
  const source = Object.assign(new Readable({ objectMode: true, highWaterMark: 64, read() {} }), { cancel() {} });
  const clock = makeFakeClock();
  return { source, clock, intake: makeIntake<number>(source, clock) };
}

const all = () => false;
/** A stream says in the next tick that something came. */
const announced = () => new Promise((resolve) => process.nextTick(resolve));

describe("what the client's streams bring", () => {
  it("is taken together when it came in one turn, one by one as it did", async () => {
    const { source, intake } = open();
    const taken = intake.take(all, {});
    for (const event of [1, 2, 3]) {
      source.push(event); // as the client does: one after another, with time between them for whoever listens
      await announced();
    }
    expect(await taken).toEqual([1, 2, 3]);
  });

  it("stays there once the reader has enough", async () => {
    const { source, intake } = open();
    for (const event of [1, 2, 3]) source.push(event);
    expect(await intake.take((event) => event === 2, {})).toEqual([1, 2]);
    expect(await intake.take(all, {})).toEqual([3]);
  });

  it("is waited for although it was announced and taken before", async () => {
    const { source, intake } = open();
    const first = intake.take(all, {});
    source.push(1);
    expect(await first).toEqual([1]);
    source.push(2);
    await announced();
    expect(await intake.take(all, {})).toEqual([2]);
    const third = intake.take(all, {});
    setImmediate(() => setImmediate(() => source.push(3)));
    expect(await third).toEqual([3]);
  });

  it("is nothing at the end, when somebody wakes, and when it was quiet for long enough", async () => {
    const { source, clock, intake } = open();
    const woken = intake.take(all, {});
    intake.wake();
    expect(await woken).toEqual([]);
    const quiet = intake.take(all, { quietMs: 100 });
    await clock.advance(100);
    expect(await quiet).toEqual([]);
    const last = intake.take(all, {});
    source.push(null);
    expect(await last).toEqual([]);
    expect(intake.ended).toBe(true);
  });

  it("fails with the stream's error, and when no answer came in time", async () => {
    const broken = open();
    const taken = expect(broken.intake.take(all, {})).rejects.toThrow("reset");
    broken.source.destroy(new Error("reset"));
    await taken;
    const silent = open();
    const asked = expect(silent.intake.take(all, { ms: 100 })).rejects.toThrow(NoAnswerError);
    await silent.clock.advance(100);
    await asked;
  });
});
