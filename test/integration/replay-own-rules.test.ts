/** Deliveries of a replay's own go by the rules of every delivery: retries and their waits, crashes and their limit. */
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { Ends } from "../../src/records/attempt.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { toSelection } from "../../src/replay/selection.ts";
import { openScene, replayWith, runTerms, until } from "../support/replay-scene.ts";
import { eachEvent, logRows } from "../support/test-store.ts";

const replayId = "0197a000-0000-7000-8000-000000000001";

/** A log with one event, and a replay of it that an end of the process cut off during the call. */
async function cutOff(ends: Ends): Promise<string> {
  const { store, append, quiet, folder } = await openScene();
  await append(["a"]);
  await quiet({ waiting: 0, done: 1 });
  await store.close();
  const stored: StoredEvent[] = [];
  await eachEvent(folder, (event) => void stored.push(event));
  const { id, position } = stored.find(({ type }) => type === "thing.happened")!;
  const requested = { replayId, kind: "history", actor: "local", reason: null, ratePerSecond: null, total: 1, filter: null, tenant: "default", own: true };
  const item = { handler: "main", lane: "default.thing-a", revision: 0, at: String(position), eventId: id, attempts: 0 };
  const log = await openLog(`sqlite:${folder}`);
  const events = [
    ownEvent(newId, "replay.requested", requested),
    ownEvent(newId, "replay.items", { items: [item] }),
    ownEvent(newId, "replay.started", { items: [0], life: "a process that said nothing", ends }),
  ];
  await log.append(`reprise.replay-${replayId}`, events, "none");
  await log.close();
  return folder;
}

describe("an own delivery of a replay that the process died with", () => {
  it("has failed as soon as limits.maxCrashes says so", async () => {
    const folder = await cutOff({ crashes: 2, kills: 0, told: 2 });
    const { store, seen } = await openScene({ folder, limits: { maxCrashes: 2 } });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 0, failed: 1 });
    expect(seen).toEqual([]);
    expect((await store.replayReport(replayId, { limit: 1 })).items).toMatchObject([{ outcome: "failed", error: { type: "ProcessCrash" } }]);
  });

  it("is called again as long as limits.maxCrashes lets it", async () => {
    const folder = await cutOff({ crashes: 4, kills: 0, told: 4 });
    const { store, seen } = await openScene({ folder, limits: { maxCrashes: 5 } });
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: 1, failed: 0 });
    expect(seen).toHaveLength(1);
    const started = (await logRows(folder)).filter(({ type }) => type === "replay.started");
    const ends = { crashes: 4, kills: 1, told: 4 };
    expect(started.slice(1).map(({ data }) => data)).toMatchObject([{ items: [0], ends, alone: true }, { items: [0], ends, alone: false }]); // biome-ignore format: one line
  });
});

describe("an own delivery of a replay that fails", () => {
  it("has the retry policy's attempts in all, also when its replay is paused between two of them", async () => {
    let broken = false;
    const { store, seen, append, quiet, replayed } = await openScene({
      retry: { maxAttempts: 3, initialDelayMs: 300, factor: 1, jitter: "none" },
      work: () => {
        if (broken) throw new Error("again");
      },
    });
    await append(["a"]);
    await quiet({ waiting: 0, done: 1 });
    broken = true;
    seen.length = 0;
    const { planId } = await store.planReplay(toSelection({ history: { handler: "main" } }));
    const started = await store.startReplay(planId, { reason: "try", terms: runTerms });
    await until(() => replayed(started.replayId).some(({ endedMs }) => endedMs !== null));
    await store.actOnReplay(started.replayId, "pause");
    await replayWith(store, started.replayId, "paused");
    await store.actOnReplay(started.replayId, "resume");
    expect(await replayWith(store, started.replayId, "completed")).toMatchObject({ succeeded: 0, failed: 1 });
    const calls = replayed(started.replayId);
    expect(calls.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    for (const [index, { startedMs }] of calls.entries()) if (index > 0) expect(startedMs - calls[index - 1]!.endedMs!).toBeGreaterThan(290);
  });
});
