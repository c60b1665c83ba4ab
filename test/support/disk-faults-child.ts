/** A process that appends to an embedded log and follows it, on a disk that fails: `node disk-faults-child.ts <folder> <quickSyncMs> [thread]`. Its lines are read by the test. */
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { isRepriseError } from "../../src/errors.ts";
import { newId } from "../../src/event/ids.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";

/** With `thread` a second one makes checkpoints, many of them. */
const [, , folder = "", quickSyncMs = "1", checkpoints = "here"] = process.argv;
const say = (line: string) => process.stdout.write(`${line}\n`);

const log = await openSqliteLog(folder, {
  limits: { quickSyncMs: Number(quickSyncMs), ...(checkpoints === "thread" ? { checkpointPages: 100 } : {}) },
  onTrouble: (trouble) => say(`trouble ${trouble?.code ?? "none"}`),
  onLost: (error) => {
    say(`lost ${error.message}`);
    process.exit(6);
  },
});
if (checkpoints === "thread") {
  const { place, lend } = log.apart!;
  const work = lend();
  new Worker(new URL("./checkpoint-thread.ts", import.meta.url), { workerData: { place, work }, transferList: [work] });
}
say("open");

async function append(stream: string, bytes: number): Promise<void> {
  const data = "x".repeat(bytes);
  for (;;) {
    const id = newId();
    const event = { id, type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data, metadata: { priority: "normal" } } as const;
    try {
      await log.append(stream, [event], "any");
      say(`stored ${id}`);
    } catch (error) {
      say(`refused ${isRepriseError(error) ? error.code : String(error)}`);
      await wait(5);
    }
  }
}

async function follow(): Promise<void> {
  for (let after = 0n; ; ) {
    try {
      for await (const batch of log.subscribe({ after, signal: new AbortController().signal })) {
        for (const { id, stream } of batch.events) if (stream !== "reprise.log") say(`seen ${id}`);
        after = batch.position;
      }
    } catch (error) {
      say(`cut ${isRepriseError(error) ? error.code : String(error)}`);
      await wait(20);
    }
  }
}

void follow();
void append("reprise.journal-mail-1-0", 100);
for (let lane = 0; lane < 8; lane++) void append(`shop.order-${lane}`, lane === 0 ? 20_000 : 300);
