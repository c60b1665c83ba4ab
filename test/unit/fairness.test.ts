/** What keeps one tenant's flood from the others: turns, the order of appends, and the room where they wait. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { ReadyLanes } from "../../src/delivery/partition/ready-lanes.ts";
import { FairLine } from "../../src/event/fair-line.ts";
import { HeldBack } from "../../src/event/held-back.ts";
import { newId } from "../../src/event/ids.ts";
import { SharedRoom } from "../../src/event/shared-room.ts";
import { beginInTurn, doFirst, makeTurns, waitingOf, workOf, workOwner } from "../../src/event/turns.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { makeQueues } from "../../src/store/append/append-queue.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("a fair line", () => {
  it("takes the next of whom the least was taken, and of one owner in their order", () => {
    const line = new FairLine<string>();
    for (let number = 0; number < 5; number++) line.push("a", `a${number}`);
    line.shift();
    line.push("b", "b0");
    line.push("c", "c0");
    line.push("b", "b1");
    const order = [];
    while (line.size > 0) order.push([line.first(), line.shift()]);
    expect(order.map(([first, taken]) => (first === taken ? first : "another"))).toEqual(["b0", "c0", "a1", "b1", "a2", "a3", "a4"]);
    expect([line.owners, line.first(), line.shift()]).toEqual([0, undefined, undefined]);
  });

  it("weighs what it takes: a large one counts as many small ones", () => {
    const line = new FairLine<string>();
    for (const each of ["a0", "a1", "a2"]) line.push("a", each);
    for (let number = 0; number < 6; number++) line.push("b", `b${number}`);
    const order = [];
    while (line.size > 0) order.push(line.shift(line.first()!.startsWith("a") ? 3 : 1));
    expect(order).toEqual(["a0", "b0", "b1", "b2", "a1", "b3", "b4", "b5", "a2"]);
  });

  it("goes on with what has begun before anything new of the same owner, and begins one all the same now and then", () => {
    const line = new FairLine<string>();
    const rest = Array.from({ length: 20 }, (_, number) => `rest${number}`);
    for (const each of ["new0", "new1", "new2"]) line.push("a", each);
    for (const each of rest) line.push("a", each, true);
    expect(line.waitingOf("a")).toBe(23);
    const order = Array.from({ length: 23 }, () => [line.first(), line.shift()]);
    expect(order.every(([first, taken]) => first === taken)).toBe(true);
    expect(order.map(([, taken]) => taken)).toEqual([...rest.slice(0, 8), "new0", ...rest.slice(8, 16), "new1", ...rest.slice(16), "new2"]);
    expect([line.waitingOf("a"), line.owners]).toEqual([0, 0]);
  });

  it("gives no credit for the time in which an owner had nothing there", () => {
    const line = new FairLine<string>();
    for (let number = 0; number < 100; number++) line.push("a", "a");
    for (let number = 0; number < 90; number++) line.shift();
    for (let number = 0; number < 10; number++) line.push("b", "b");
    const order = Array.from({ length: 6 }, () => line.shift());
    expect(order.filter((each) => each === "a").length).toBeGreaterThanOrEqual(2);
  });
});

describe("lanes whose last attempt failed", () => {
  const scene = (total: number) => {
    const lanes = new ReadyLanes<{ tenant: string; failing: boolean; queued: boolean }>(total, () => "normal");
    const add = (failing: boolean, count: number) => {
      for (let n = 0; n < count; n++) lanes.add({ tenant: "a", failing, queued: false });
    };
    /** Starts what may start. @returns those lanes. */
    const start = () => {
      const started = [];
      for (let lane = lanes.pick(); lane !== undefined; lane = lanes.pick()) {
        lanes.started(lane);
        started.push(lane);
      }
      return started;
    };
    const end = (ended: readonly { tenant: string; failing: boolean; queued: boolean }[], failing: boolean) => {
      for (const lane of ended) {
        const before = lane.failing;
        lane.failing = failing;
        lanes.ended(lane, before);
      }
    };
    return { add, start, end };
  };

  it("get more than half of the slots only while their attempts go well", () => {
    const { add, start, end } = scene(64);
    add(true, 500);
    const first = start();
    expect(first).toHaveLength(32);
    end(first.slice(0, 31), false);
    const second = start();
    expect(second).toHaveLength(31); // not as many in a row yet
    end(first.slice(31), false);
    const more = start();
    expect(more).toHaveLength(25); // an eighth is kept
    end(more.slice(0, 1), true);
    expect(start()).toHaveLength(0);
    end([...more.slice(1), ...second], false);
    expect(start()).toHaveLength(56);
  });

  it("fall back to half when any attempt fails, and while a healthy lane is ready", () => {
    const { add, start, end } = scene(64);
    add(true, 500);
    end(start(), false);
    add(false, 1);
    const mixed = start();
    expect(mixed.filter(({ failing }) => failing)).toHaveLength(56); // the healthy one had its turn among the first
    end(
      mixed.filter(({ failing }) => !failing),
      true,
    );
    end(mixed.filter(({ failing }) => failing).slice(0, 25), false);
    expect(start()).toHaveLength(1); // the failure of the other counts: half again
  });

  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 3],
    [8, 7],
    [16, 14],
  ])("of %i slots may have %i at most", (total, most) => {
    const { add, start, end } = scene(total);
    add(true, 1000);
    for (let round = 0; round < 20; round++) end(start(), false);
    expect(start()).toHaveLength(most);
  });
});

describe("appends that are being checked", () => {
  it("reach the log in the order of the calls of one tenant, and wait for no other tenant's", () => {
    const placeOf = makeQueues();
    const batches = Array.from({ length: 64 }, () => placeOf("flood"));
    const one = placeOf("quiet");
    expect([batches[0]!.before(), one.before()]).toEqual([null, null]);
    expect(batches[1]!.before()).toBeInstanceOf(Promise);
    expect(placeOf("quiet").before()).toBeInstanceOf(Promise);
    one.leave();
    batches[1]!.leave();
    expect(batches[2]!.before()).toBeInstanceOf(Promise);
    batches[0]!.leave();
    expect(batches[2]!.before()).toBeNull();
  });

  it("leave nothing behind: a place after the last one has left waits for nobody", () => {
    const placeOf = makeQueues();
    placeOf("a").leave();
    const next = placeOf("a");
    expect(next.before()).toBeNull();
    const after = placeOf("a");
    next.leave();
    expect([after.before(), placeOf("b").before()]).toEqual([null, null]);
  });
});

describe("while several tenants ask", () => {
  it("each begins in turn, and work that gives way goes on in turn: a hundred of one do not stand before another's one", async () => {
    expect(beginInTurn("quiet")).toBeNull();
    const done: string[] = [];
    const flood = Array.from({ length: 100 }, async () => {
      await beginInTurn("flood");
      await workOf("flood", async () => {
        const turns = makeTurns();
        for (let piece = 0; piece < 3; piece++) await turns.next();
        expect(workOwner()).toBe("flood");
      });
      done.push("flood");
    });
    await nextTurn();
    const one = (async () => {
      await beginInTurn("quiet");
      await workOf("quiet", async () => makeTurns().next());
      done.push("quiet");
    })();
    await Promise.all([...flood, one]);
    expect(done.indexOf("quiet")).toBeLessThan(5);
  });
});

describe("in a turn of the event loop", () => {
  /** Tells what runs, in order, while two tenants ask. */
  const scene = async () => {
    await Promise.all(["quiet", "flood", "quiet"].map(beginInTurn));
    const done: string[] = [];
    const run = (tenant: string, name: string, pieces: number) =>
      workOf(tenant, async () => {
        await beginInTurn(tenant);
        done.push(`${name} begins`);
        const turns = makeTurns();
        for (let piece = 0; piece < pieces; piece++) {
          await turns.next();
          done.push(`${name} goes on`);
        }
      });
    return { done, run };
  };

  it("what begins goes before the rest of another tenant's long work, which goes on in the next one", async () => {
    const { done, run } = await scene();
    const long = run("flood", "long", 6);
    while (!done.includes("long goes on")) await nextTurn();
    done.length = 0;
    for (const name of ["first", "second"]) {
      await run("quiet", name, 0);
      await nextTurn();
    }
    await long;
    expect(done.indexOf("first begins")).toBe(0);
    expect(done.indexOf("second begins")).toBeLessThanOrEqual(2);
    expect(done.filter((each) => each === "long goes on").length).toBeGreaterThanOrEqual(5);
  });

  it("what is to be done first is done before any tenant's piece, also when there is such a thing in each turn", async () => {
    const { done, run } = await scene();
    let isEnded = false;
    const again = () => {
      done.push("first");
      if (!isEnded) doFirst(again);
    };
    const long = run("flood", "long", 4).then(() => (isEnded = true));
    doFirst(again);
    await long;
    expect(done[0]).toBe("first");
    expect(done.filter((each) => each === "long goes on")).toHaveLength(4);
  });
});

it("of a tenant's hundred requests at once few are under way at a time, while several tenants ask", async () => {
  for (const tenant of ["quiet", "flood"]) void beginInTurn(tenant);
  let underWay = 0;
  let most = 0;
  const each = async () => {
    await beginInTurn("flood");
    most = Math.max(most, ++underWay);
    await workOf("flood", async () => {
      const turns = makeTurns();
      for (let piece = 0; piece < 5; piece++) await turns.next();
    });
    underWay--;
  };
  await Promise.all(Array.from({ length: 100 }, each));
  expect(most).toBeLessThanOrEqual(3); // all hundred, when each piece goes behind all that waits
});

describe("a tenant that makes most of the work", () => {
  it("rests for half as long again as the thread worked for it, a short while at most, and goes on", () => {
    const heldBack = new HeldBack();
    heldBack.worked("flood", 1, 0);
    expect([1.5, 2.5, 2.75, 3.5].map((nowMs) => heldBack.worked("flood", nowMs, 0))).toEqual([0, 2.25, 0, 1.5]);
    expect(heldBack.worked("flood", 500, 0)).toBe(8); // a full collection of garbage, and what nobody looked at
  });

  it("rests for nothing that the thread's idle time and the work for others make up for", () => {
    const heldBack = new HeldBack();
    heldBack.worked("flood", 1, 0);
    for (let number = 1; number < 100; number++) expect(heldBack.worked("flood", 1 + 2 * number, 1.25 * number)).toBe(0);
    let nowMs = 200;
    const rests = (tenants: Readonly<Record<string, number>>) => {
      const rested = new Set<string>();
      for (let number = 0; number < 100; number++)
        for (const [tenant, workedMs] of Object.entries(tenants)) if (heldBack.worked(tenant, (nowMs += workedMs), 200) > 0) rested.add(tenant);
      return [...rested];
    };
    expect(rests({ a: 0.9, b: 0.9, c: 0.9 })).toEqual([]); // none makes most of it
    expect(rests({ quiet: 0.3, flood: 0.9 })).toEqual(["flood"]);
  });

  it("leaves the thread alone while others ask now and then: what another one asks for begins meanwhile, and nothing is lost", async () => {
    let nowMs = performance.now();
    vi.spyOn(performance, "now").mockImplementation(() => nowMs);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await Promise.all(["quiet", "flood", "quiet"].map(beginInTurn));
      const done: string[] = [];
      const begin = async (tenant: string) => {
        await beginInTurn(tenant);
        nowMs += 0.8;
        done.push(tenant);
      };
      const flood = Array.from({ length: 12 }, () => begin("flood"));
      for (let turn = 0; turn < 50; turn++) await nextTurn();
      const begun = done.length;
      expect(begun).toBeLessThan(5);
      expect(waitingOf("flood")).toBe(12 - begun);
      await begin("quiet");
      expect(done.slice(begun)).toEqual(["quiet"]);
      while (done.length < 13) {
        nowMs += 2;
        vi.advanceTimersByTime(2);
        await nextTurn();
      }
      await Promise.all(flood);
      expect(waitingOf("flood")).toBe(0);

      await begin("flood");
      nowMs += 300; // nobody else has asked lately
      const later = Array.from({ length: 12 }, () => begin("flood"));
      for (let turn = 0; turn < 50; turn++) await nextTurn();
      expect(waitingOf("flood")).toBe(0);
      await Promise.all(later);
    } finally {
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });
});

describe("the embedded log", () => {
  const events = (count: number) =>
    Array.from({ length: count }, () => ({
      ...{ id: newId(), type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data: {} },
      metadata: { priority: "normal" as const },
    }));

  it("stores a tenant's append before what waits of another's flood, and keeps the order of each", async () => {
    const log = await openSqliteLog(temporaryFolder());
    const flood = Array.from({ length: 40 }, (_, number) => log.append(`flood.order-${number % 3}`, events(100), "any"));
    const quiet = log.append("quiet.order-1", events(1), "any");
    const position = (await quiet)[0]!.position;
    const starts = (await Promise.all(flood)).map(([first]) => first!.position);
    expect(starts.filter((each) => each < position).length).toBeLessThanOrEqual(1);
    for (const entity of [0, 1, 2]) {
      const ofOne = starts.filter((_, number) => number % 3 === entity);
      expect(ofOne).toEqual(ofOne.toSorted((a, b) => Number(a - b)));
    }
    await log.close();
  });

  it("stores little at a time while several tenants ask, though one alone waits: the others come while that is synced", async () => {
    for (const tenant of ["quiet", "flood"]) void beginInTurn(tenant);
    const log = await openSqliteLog(temporaryFolder());
    let answered = 0;
    const flood = Array.from({ length: 32 }, async (_, number) => {
      await log.append(`flood.order-${number}`, events(32), "any");
      answered++;
    });
    await flood[0];
    expect(answered).toBeLessThanOrEqual(2); // 1,024 events share a commit otherwise, and its answers come together
    await Promise.all(flood);
    await log.close();
  });

  it("lets a flood wait a moment for the tenant that was just answered, once: they share a commit", async () => {
    const clock = makeFakeClock();
    const log = await openSqliteLog(temporaryFolder(), { clock });
    const answered: string[] = [];
    const append = (tenant: string, count: number) => log.append(`${tenant}.order-1`, events(count), "any").then(() => answered.push(tenant));
    for (const tenant of ["quiet", "flood"]) void beginInTurn(tenant);
    await Promise.all([append("flood", 20), append("quiet", 1)]);
    const flood = append("flood", 20);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect(answered).toEqual(["flood", "quiet"]);
    await Promise.all([flood, append("quiet", 1)]); // no time has passed
    const again = append("flood", 20);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    await clock.advance(3);
    await again;
    await append("flood", 20); // nobody was answered with it
    await log.close();
  });

  it("refuses the flood and not the other tenant when its queue is full, and tells nobody's number", async () => {
    const log = await openSqliteLog(temporaryFolder(), { limits: { queuedAppends: 16 } });
    const flood = Array.from({ length: 20 }, (_, number) =>
      log.append(`flood.order-${number}`, events(1), "any").then(
        () => null,
        (error: unknown) => error,
      ),
    );
    const quiet = log.append("quiet.order-1", events(1), "any");
    const refused = (await Promise.all(flood)).filter((error) => error !== null);
    expect(refused).toHaveLength(4);
    for (const error of refused)
      expect(error).toMatchObject({ code: "LOG_UNAVAILABLE", retryAfterMs: 100, fields: { limitOf: "tenant" }, message: expect.not.stringMatching(/\d/) });
    expect(await quiet).toHaveLength(1);
    await log.close();
  });
});

it("shared room has a little for each tenant when one has taken it all, and an end", () => {
  const room = new SharedRoom({ count: 32, bytes: 3200 });
  for (let number = 0; number < 32; number++) expect(room.take("flood", 10)).toBeNull();
  expect(room.take("flood", 10)).toBe("tenant");
  expect(["b", "b", "b"].map((tenant) => room.take(tenant, 10))).toEqual([null, null, "tenant"]);
  expect(room.take("c", 300)).toBe("service"); // more than its part
  for (let tenant = 0; tenant < 30; tenant++) expect(room.take(`t${tenant}`, 10)).toBeNull();
  expect(room.take("late", 10)).toBe("service");
  for (let number = 0; number < 32; number++) room.give("flood", 10);
  expect(room.take("late", 10)).toBe(null);
});
