/** Reads or repeats large events of a log, as one says who starts it with little memory: `<folder or server> <what>`. */
import { newId } from "../../src/event/ids.ts";
import { openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { largeIds, largeStream, smallEvent, smallEvents } from "./little-memory.ts";

const [place = "", what = ""] = process.argv.slice(2);
const locate = async (_tenant: string, ids: readonly string[]) =>
  ids.flatMap((id) => (largeIds.includes(id) ? [{ id, stream: largeStream, revision: smallEvents + largeIds.indexOf(id) }] : []));
const log = place.startsWith("esdb:") ? await openEventStoreDbLog(place, { locate }) : await openSqliteLog(place);
let count = 0;
if (what === "all") for await (const batch of log.readAll()) count += batch.length;
if (what === "stream") for await (const batch of log.readStream(largeStream)) count += batch.length;
if (what === "backward") for await (const batch of log.readStream(largeStream, { direction: "backward" })) count += batch.length;
if (what === "ids") count = log.findByIds === undefined ? 0 : (await log.findByIds("default", largeIds, 1)).length;
if (what === "repeat")
  count = await log
    .append(
      largeStream,
      largeIds.map((id) => smallEvent(id)),
      "any",
    )
    .then(
      () => 0,
      () => 1,
    );
if (what === "known") {
  const appends = largeIds.map((id, number) => log.append(`default.order-known-${number}`, [smallEvent(id)], "any"));
  for (const { status } of await Promise.allSettled(appends)) if (status === "rejected") count++;
  await log.append(largeStream, [smallEvent(newId())], "any");
}
console.log(count);
await log.close();
