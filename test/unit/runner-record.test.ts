import { describe, expect, it } from "vitest";
import { RepriseError } from "../../src/errors.ts";
import type { NewEvent, StoredEvent } from "../../src/event/event.ts";
import type { ExpectedRevision } from "../../src/log/event-log.ts";
import type { ReplayEntry } from "../../src/records/replay.ts";
import { RunnerRecord } from "../../src/replay/runner-record.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

type Stored = Pick<StoredEvent, "id" | "type" | "data" | "revision" | "position">;

/** A replay's stream, and a runner's record of it. */
function scene() {
  const stream: Stored[] = [];
  /** What becomes of the next appends: not stored, or stored without an answer. */
  const troubles: ("refused" | "unanswered")[] = [];
  const heard: ReplayEntry[] = [];
  const replaced: RepriseError[] = [];
  const store = (type: string, data: object, id = `id-${stream.length}`) => {
    stream.push({ id, type, data: data as never, revision: stream.length, position: BigInt(stream.length) });
    return stream.at(-1)!;
  };
  store("replay.requested", {});
  let ids = 0;
  const clock = makeFakeClock();
  const record = new RunnerRecord({
    log: {
      async append(_stream: string, events: readonly NewEvent[], expected: ExpectedRevision) {
        const trouble = troubles.shift();
        if (trouble === "refused") throw new RepriseError("LOG_UNAVAILABLE", "planted");
        if (expected !== stream.length - 1) throw new RepriseError("REVISION_CONFLICT", "planted");
        const stored = events.map(({ id, type, data }) => store(type, data as object, id!));
        if (trouble === "unanswered") throw new RepriseError("LOG_UNAVAILABLE", "planted");
        return stored.map((each) => ({ ...each, recordedAt: "", duplicate: false }));
      },
      async *readStream(_stream: string, { from = 0 } = {}) {
        yield stream.slice(from) as never;
      },
    },
    ...{ clock, newId: () => `own-${ids++}`, signal: new AbortController().signal, replayId: "r", last: 0 },
    onEntry: (entry) => void heard.push(entry),
    onReplaced: (error) => void replaced.push(error),
  });
  return { stream, troubles, heard, replaced, store, record, clock, types: () => stream.map(({ type }) => type) };
}

const act = { act: { actor: "ann", reason: null } };
const claimed = { instance: "two.1", life: "b", from: "one.1" };

describe("a runner's record of its replay", () => {
  it("stands behind acts that others have written, which it hears of, each once and in order", async () => {
    const { store, record, heard, types } = scene();
    store("replay.pausing", act);
    const second = store("replay.rate_changed", { ...act, ratePerSecond: 5 });
    record.heard(second); // it is told before the one before it
    await record.persist("replay.paused", {});
    record.heard(second);
    expect(heard.map(({ type }) => type)).toEqual(["replay.pausing", "replay.rate_changed"]);
    expect(types()).toEqual(["replay.requested", "replay.pausing", "replay.rate_changed", "replay.paused"]);
  });

  it("knows what was written before it was told of anything", async () => {
    const { store, record, heard } = scene();
    store("replay.cancelling", act);
    await record.catchUp();
    expect(heard).toMatchObject([{ type: "replay.cancelling" }]);
  });

  it.each(["told of it", "at its next append"])("writes nothing once another instance has claimed the replay: %s", async (how) => {
    const { store, record, replaced, types } = scene();
    const claim = store("replay.claimed", claimed);
    if (how === "told of it") record.heard(claim);
    const writes = [record.persist("replay.paused", {}), record.persist("replay.stopping", { why: "failures" })];
    for (const each of await Promise.allSettled(writes))
      expect(each).toMatchObject({ status: "rejected", reason: { code: "NOT_OWNER", fields: { owner: "two.1" } } });
    await expect(record.persist("replay.paused", {})).rejects.toMatchObject({ code: "NOT_OWNER" });
    expect(replaced).toHaveLength(1);
    expect(types()).toEqual(["replay.requested", "replay.claimed"]);
  });

  it.each([
    ["is told of it meanwhile", true],
    ["is not", false],
  ])("stores an event once whose append was not answered, when it %s", async (_how, isTold) => {
    const { troubles, stream, record, clock, types } = scene();
    troubles.push("unanswered", ...(isTold ? [] : (["refused"] as const)));
    const stored = record.persist("replay.stopping", { why: "failures" });
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
    if (isTold) record.heard(stream[1]!);
    for (let waits = 0; waits < 5; waits++) {
      clock.advance(1000);
      for (let turns = 0; turns < 20; turns++) await Promise.resolve();
    }
    expect(await stored).toBe(1n);
    expect(types()).toEqual(["replay.requested", "replay.stopping"]);
  });
});
