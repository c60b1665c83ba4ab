/** Which lanes the views have on record, when a handler has several partitions. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { handlerStream, journalStream } from "../../src/event/names.ts";
import { partitionOf } from "../../src/event/partition-of.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import { ownEvent } from "../../src/records/own-event.ts";
import { openViewStore } from "../../src/views/store.ts";
import { catchUp } from "../support/shortened.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { ordersCatalog } from "../support/views-history.ts";

it("a lane is forgotten once its own partition has passed it, whatever the others do, and so it is when the handler was divided anew", async () => {
  const log = openMemoryLog();
  const store = openViewStore(join(temporaryFolder(), "views.db"), log.logId, ordersCatalog);
  const configured = async (partitions: number) => {
    const journal = journalStream("desk", partitions, 0);
    const data = { types: { "order.placed": "0" }, ordering: "strict", start: "beginning", partitions, journal, endpoint: null };
    await log.append(handlerStream("desk"), [ownEvent(newId, "handler.configured", data)], "any");
  };
  const progress = (of: number, partition: number, checkpoint: string, ahead: readonly (readonly [lane: string, next: number, at: string])[] = []) =>
    log.append(journalStream("desk", of, partition), [ownEvent(newId, "progress", { checkpoint, ahead })], "any");
  const lanes = async () => {
    await catchUp(store, log);
    const rows = store.db.all<{ stream: string }>("select n.stream from lanes l join entities n on n.id = l.entity order by n.stream");
    return rows.map(({ stream }) => stream);
  };
  const streams = Array.from({ length: 100 }, (_, id) => `default.order-${id}`);
  const first = streams.find((stream) => partitionOf(stream, 2) === 0)!;
  const moved = streams.find((stream) => partitionOf(stream, 2) === 1 && partitionOf(stream, 3) === 2)!;

  await configured(2);
  await progress(2, 0, "0", [[first, 1, "5"]]);
  await progress(2, 1, "0", [[moved, 1, "6"]]);
  expect(await lanes()).toEqual([first, moved].sort());
  await progress(2, 0, "9");
  expect(await lanes()).toEqual([moved]);

  await configured(3);
  await progress(3, 0, "9");
  await progress(3, 1, "9");
  expect(await lanes()).toEqual([moved]);
  await progress(3, 2, "9");
  expect(await lanes()).toEqual([]);
  store.close();
});
