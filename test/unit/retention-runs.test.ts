import { expect, it } from "vitest";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { newId } from "../../src/event/ids.ts";
import { retentionStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { makeRetention } from "../../src/retention/runs.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

it("a run that another instance was ahead of is no failed run in the figures; one whose archive cannot be opened is", async () => {
  const clock = makeFakeClock();
  const memory = openMemoryLog({ clock });
  let beat = 0;
  let isOther = true;
  const last = async () => (isOther ? ++beat : beat);
  const log: EventLog = Object.assign(Object.create(memory), {
    beats: { beat: async () => beat, last, heard: async () => ({ number: await last(), says: {} }) },
  });
  const begun = { runId: "theirs", life: "theirs", actor: "policy", reason: null, rules: [] };
  await log.append(retentionStream, [ownEvent(newId, "retention.begun", begun)], "none");
  const runs = makeRetention({
    ...{ log, clock, newId, life: "ours", catalog: makeCatalog({ events: [], upcasters: [] }), handlers: new Set<string>() },
    rules: [{ entityType: "order", afterMs: 1000, keepLast: 0, archive: "file:/nowhere" }],
    pace: { everyMs: 60_000, eventsPerSecond: null },
    openArchive: async () => {
      throw new Error("the disk is gone");
    },
    isAtWork: () => true,
    onTrouble() {},
    onRun() {},
  });
  const ended = async () => {
    const { id } = await runs.beginArchiveRun();
    for (let looks = 0; looks < 100 && (await runs.archiveRun(id))!.state === "running"; looks++) await clock.advance(1000);
    return runs.archiveRun(id);
  };
  expect(await ended()).toMatchObject({ state: "failed", why: "Another process archives events of this log just now." });
  expect(runs.figures().failed).toBe(0);
  isOther = false;
  expect(await ended()).toMatchObject({ state: "failed", why: "the disk is gone" });
  expect(runs.figures().failed).toBe(1);
  await runs.stop();
});
