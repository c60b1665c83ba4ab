/** Which partition a stream belongs to, and what the partitions of one handler share in a process. */
import { describe, expect, it } from "vitest";
import { FlushPace } from "../../src/delivery/dispatcher/flush-pace.ts";
import { defaultDeliveryLimits, limitsOfOne } from "../../src/delivery/limits.ts";
import { conditionAmong, conditionOfAll } from "../../src/delivery/ownership/condition.ts";
import { Slots } from "../../src/delivery/partition/slots.ts";
import { handlerOfJournal, journalBeside, journalStream, partitionOfJournal } from "../../src/event/names.ts";
import { partitionOf, streamHash } from "../../src/event/partition-of.ts";

describe("the partition of a stream", () => {
  // From the paper's reference vectors, and computed apart from this code: journals are named after them.
  it.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
    ["default.order-7", 0x1750ea58],
    ["default.order-ä", 0xa17f5df0],
    ["default.order-漢🎉", 0xb0f9d849],
  ])("of %j is that of FNV-1a over its UTF-8", (stream, hash) => {
    expect(streamHash(stream)).toBe(hash);
    for (const partitions of [1, 2, 7, 64]) expect(partitionOf(stream, partitions)).toBe(hash % partitions);
  });

  it("is nearly evenly chosen for numbered entities", () => {
    const counts = new Array<number>(16).fill(0);
    for (let id = 0; id < 16_000; id++) counts[partitionOf(`default.order-${id}`, 16)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(900);
    expect(Math.max(...counts)).toBeLessThan(1100);
  });

  it("stands in the journal's name, and another one's is found from it", () => {
    const journal = journalStream("order-desk-2", 16, 3);
    expect(journal).toBe("reprise.journal-order-desk-2-16-3");
    expect(partitionOfJournal(journal)).toEqual({ of: 16, partition: 3 });
    expect(handlerOfJournal(journal)).toBe("order-desk-2");
    expect(journalBeside(journal, 4, 1)).toBe("reprise.journal-order-desk-2-4-1");
  });
});

describe("slots that partitions share", () => {
  const sharing = (total: number, members: number) => {
    const slots = new Slots(total);
    return Array.from({ length: members }, (_, index) => {
      const member = slots.join();
      const woken: number[] = [];
      member.wake = () => void woken.push(index);
      return { member, woken };
    });
  };

  it("are as many as the handler's concurrency, over all of them", () => {
    const [a, b] = sharing(3, 2) as [ReturnType<typeof sharing>[number], ReturnType<typeof sharing>[number]];
    for (let n = 0; n < 2; n++) {
      expect(a.member.mayTake()).toBe(true);
      a.member.take();
    }
    expect(b.member.mayTake()).toBe(true);
    b.member.take();
    expect([a.member.mayTake(), b.member.mayTake()]).toEqual([false, false]);
    expect([a.member.taken, b.member.taken, b.member.slots.free]).toEqual([2, 1, 0]);
  });

  it("go to who waits longest, and not to who gave one back", () => {
    const [a, b, c] = sharing(1, 3).map((each) => each) as [
      ReturnType<typeof sharing>[number],
      ReturnType<typeof sharing>[number],
      ReturnType<typeof sharing>[number],
    ];
    a.member.mayTake();
    a.member.take();
    expect([b.member.mayTake(), c.member.mayTake()]).toEqual([false, false]);
    a.member.give();
    expect([a.woken.length, b.woken.length, c.woken.length]).toEqual([0, 1, 0]);
    expect([a.member.mayTake(), c.member.mayTake(), b.member.mayTake()]).toEqual([false, false, true]);
    b.member.take();
    b.member.give();
    expect([c.woken.length, b.member.mayTake(), c.member.mayTake()]).toEqual([1, false, true]);
  });

  it("do not wait for one that has nothing to start any more, or is gone", () => {
    const [a, b, c, d] = sharing(1, 4) as ReturnType<typeof sharing>;
    a!.member.mayTake();
    a!.member.take();
    for (const each of [b!, c!, d!]) each.member.mayTake();
    a!.member.give();
    b!.member.idle(false);
    expect(c!.woken).toHaveLength(1);
    c!.member.leave();
    expect(d!.woken).toHaveLength(1);
    expect(d!.member.mayTake()).toBe(true);
  });

  it("have one look again that may have none just now, once any is given back", () => {
    const [a, b] = sharing(2, 2) as ReturnType<typeof sharing>;
    a!.member.mayTake();
    a!.member.take();
    b!.member.idle(true); // its only ready lane fails, and failing lanes have their half of the slots
    a!.member.give();
    expect(b!.woken).toHaveLength(1);
  });
});

describe("appends to journals", () => {
  it("come at most 200 a second, in turn, after a burst of what was not used", () => {
    const pace = new FlushPace(200);
    const times = Array.from({ length: 221 }, () => pace.reserve(1000));
    expect(times.slice(0, 21)).toEqual(new Array(21).fill(1000));
    expect(times.at(-1)).toBe(2000);
    expect(pace.reserve(5000)).toBe(5000);
  });
});

describe("a handler with several partitions", () => {
  it("shares its limits among them", () => {
    expect(limitsOfOne(defaultDeliveryLimits, 1)).toBe(defaultDeliveryLimits);
    expect(limitsOfOne(defaultDeliveryLimits, 16)).toMatchObject({ readAheadEvents: 256, readAheadBytes: 4 * 1024 * 1024, recordedLanes: 6250, flushMs: 20 });
    expect(limitsOfOne({ ...defaultDeliveryLimits, readAheadEvents: 8, recordedLanes: 3 }, 64)).toMatchObject({ readAheadEvents: 8, recordedLanes: 1 });
  });

  it("runs for whoever asks where another instance works on it, and otherwise says that it does not know of any", () => {
    const standby = { state: "standby", fault: null } as const;
    const stopped = { state: "stopped", fault: "JOURNAL_DAMAGED: x" } as const;
    const workedOn = { isWorkedOn: () => true, standstills: () => [] };
    expect(conditionAmong(standby, workedOn)).toEqual({ state: "running", fault: null });
    expect(conditionAmong({ state: "fenced", fault: "FENCED: x" }, workedOn)).toEqual({ state: "running", fault: null });
    const idle = { ...workedOn, isWorkedOn: () => false };
    expect(conditionAmong(standby, idle)).toMatchObject({ ...standby, why: expect.stringContaining("knows of no other") });
    expect(conditionAmong(stopped, workedOn)).toEqual(stopped);
    const absent = { state: "absent", fault: null } as const; // from this config
    expect([conditionAmong(absent, workedOn), conditionAmong(absent, idle)]).toEqual([{ state: "running", fault: null }, absent]);
  });

  it("has stopped for whoever asks any instance as soon as one of its partitions stands still at one", () => {
    const elsewhere = { isWorkedOn: () => true, standstills: () => [{ instance: "two.1", partition: 3, fault: "JOURNAL_DAMAGED: x" }] };
    const told = { state: "stopped", fault: "partition 3, at two.1: JOURNAL_DAMAGED: x" };
    for (const state of ["running", "standby"] as const) expect(conditionAmong({ state, fault: null }, elsewhere)).toEqual(told);
  });

  it("stands still as soon as one of them does, and says which", () => {
    const running = { state: "running", fault: null } as const;
    const standby = { state: "standby", fault: null } as const;
    expect(conditionOfAll([running, standby])).toEqual(running);
    expect(conditionOfAll([standby, standby])).toEqual(standby);
    expect(conditionOfAll([running, { state: "stopped", fault: "JOURNAL_DAMAGED: x" }])).toEqual({
      state: "stopped",
      fault: "partition 1: JOURNAL_DAMAGED: x",
    });
    expect(conditionOfAll([{ state: "stopped", fault: "JOURNAL_DAMAGED: x" }])).toEqual({ state: "stopped", fault: "JOURNAL_DAMAGED: x" });
  });
});
