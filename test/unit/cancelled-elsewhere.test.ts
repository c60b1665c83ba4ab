import { expect, it, onTestFinished } from "vitest";
import type { Dispatcher } from "../../src/delivery/dispatcher/dispatcher.ts";
import { Instances } from "../../src/delivery/inbox/instances.ts";
import { systemClock } from "../../src/event/clock.ts";
import { newId } from "../../src/event/ids.ts";
import { replayStream } from "../../src/event/names.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";

it("a replay that is cancelled is taken back by each instance as soon as that is on record, before its runner asks for it", async () => {
  const log = openMemoryLog();
  const seen: string[] = [];
  const partition = (name: string): Dispatcher =>
    ({ replays: { withdraw: async (replayId: string, how: string) => void seen.push(`${name} ${replayId} ${how}`) } }) as unknown as Dispatcher;
  const logger = { info() {}, warn() {}, error() {} };
  const told = { onHandler() {}, onIntegration() {}, onReplay: ({ type }: { readonly type: string }) => void seen.push(type) };
  const about = { log, clock: systemClock, newId, logger, life: "here", mayAsk: () => true, find: () => undefined };
  const instances = new Instances({ ...about, ...told, working: () => [partition("one"), partition("two")] });
  onTestFinished(async () => {
    instances.stop();
    await log.close();
  });
  await instances.start();
  const act = { actor: "anna", reason: "wrong one" };
  for (const [id, type] of [["r1", "replay.resumed"], ["r2", "replay.cancelling"]] as const) // biome-ignore format: two entries
    await log.append(replayStream(id), [ownEvent(newId, type, { act })], "any");
  await expect.poll(() => seen, { timeout: 30_000 }).toEqual(["replay.resumed", "one r2 pause", "two r2 pause", "replay.cancelling"]);
});
