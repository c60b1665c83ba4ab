/** Reads or repeats large events of an embedded log, as one says who starts it with little memory: `<folder> <what>`. */
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { largeIds, largeStream, smallEvent } from "./little-memory.ts";

const [folder = "", what = ""] = process.argv.slice(2);
const log = await openSqliteLog(folder);
let count = 0;
if (what === "all") for await (const batch of log.readAll()) count += batch.length;
if (what === "stream") for await (const batch of log.readStream(largeStream)) count += batch.length;
if (what === "backward") for await (const batch of log.readStream(largeStream, { direction: "backward" })) count += batch.length;
if (what === "ids") count = log.findByIds === undefined ? 0 : (await log.findByIds("default", largeIds, 1)).length;
if (what === "known") {
  const appends = largeIds.map((id, number) => log.append(`default.order-known-${number}`, [smallEvent(id)], "any"));
  for (const { status } of await Promise.allSettled(appends)) if (status === "rejected") count++;
  await log.append(largeStream, [smallEvent(newId())], "any");
}
console.log(count);
await log.close();
