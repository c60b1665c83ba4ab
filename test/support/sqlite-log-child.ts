/** A process with an embedded log, for tests that kill it or take its room: `node sqlite-log-child.ts hold|append|fill <folder>`. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isRepriseError } from "../../src/errors.ts";
import type { NewEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";

const [, , act, folder = ""] = process.argv;
const say = (line: string) => process.stdout.write(`${line}\n`);
const makeEvent = (bytes: number): NewEvent => ({
  id: newId(),
  type: "order.placed",
  schemaVersion: 1,
  source: null,
  occurredAt: null,
  data: "x".repeat(bytes),
  metadata: { priority: "normal" },
});

if (act === "hold") {
  await openSqliteLog(folder);
  say("open");
  setInterval(() => {}, 60_000);
} else if (act === "append") {
  const log = await openSqliteLog(folder);
  const appendForever = async (stream: string) => {
    for (;;) {
      const [appended] = await log.append(stream, [makeEvent(300)], "any");
      say(`${appended!.id} ${stream} ${appended!.revision}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => appendForever(`shop.order-${i % 5}`)));
} else {
  await fill(process.argv[4] ?? "");
}

/** Appends until the disk is full and on after there is room again, and says what was acknowledged, refused and found. */
async function fill(way: string): Promise<void> {
  const ballast = join(folder, "ballast");
  if (way === "ballast") writeFileSync(ballast, Buffer.alloc(1024 * 1024));
  const makeRoom = () => {
    if (way === "ballast") rmSync(ballast);
    else if (spawnSync("sh", ["-c", `prlimit --pid ${process.pid} --fsize=unlimited:`]).status !== 0) process.exit(3);
  };
  const acknowledged: string[] = [];
  const refused: string[] = [];
  let log = await openSqliteLog(folder);
  const append = async (bytes: number): Promise<string> => {
    const event = makeEvent(bytes);
    try {
      await log.append("shop.order-1", [event], "any");
      acknowledged.push(event.id);
      return "";
    } catch (error) {
      refused.push(event.id);
      return isRepriseError(error) ? error.code : String(error);
    }
  };
  const found = async (of: EventLog) => {
    const ids: string[] = [];
    for await (const batch of of.readStream("shop.order-1")) ids.push(...batch.map(({ id }) => id));
    return ids;
  };
  // A failed write at the file-size limit makes the log open its files anew, which moves the write-ahead log into log.db and so makes room: hence
  // full is when nothing fits three times in a row.
  let refusedRounds = 0;
  while (refusedRounds < 3) {
    const answers = await Promise.all(Array.from({ length: 4 }, () => append(20_000)));
    refusedRounds = answers.includes("") ? 0 : refusedRounds + 1;
  }
  const whileFull = [...(await Promise.all([append(200_000), append(200_000)])), await append(200_000)];
  const foundWhileFull = await found(log);
  const acknowledgedWhileFull = acknowledged.length;
  makeRoom();
  const withRoom = [await append(20_000), ...(await Promise.all([append(200_000), append(10)]))];
  const foundWithRoom = await found(log);
  await log.close();
  log = await openSqliteLog(folder);
  const foundAfterReopen = await found(log);
  await log.close();
  say(JSON.stringify({ whileFull, foundWhileFull, acknowledgedWhileFull, withRoom, foundWithRoom, foundAfterReopen, acknowledged, refused }));
}
