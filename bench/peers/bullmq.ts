import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { NewEvent } from "../../src/event/event.ts";
import { deliveryBenchmarks } from "../delivery.ts";
import { appendBenchmarks } from "../log.ts";
import { benchmarkNamed, beside, callers, orders, type PeerRow, type PeerWork, versionOf } from "./row.ts";

/**
 * Each job has its event's id as its own, so that a repeated add is not stored twice, as with Reprise.
 *
 * Order per key ("groups") is in BullMQ Pro only. The free version keeps the order of the whole queue with one worker that takes one job at a time:
 * `in order`. `no order` is what it does with the 64 at once that Reprise's handler has.
 */
export async function bullMqRows(url: string): Promise<readonly PeerRow[]> {
  const names = { version: versionOf("bullmq"), durability: await durabilityOf(url) };
  const append64 = benchmarkNamed("append-64", appendBenchmarks);
  const appendBatch = benchmarkNamed("append-batch", appendBenchmarks);
  const deliver = benchmarkNamed("deliver", deliveryBenchmarks);
  return [
    { ...names, peer: "bullmq", benchmark: beside(append64, (scale) => openAdd(url, { callers: 64, adds: Math.max(1, Math.round(50 * scale)), batch: 1 })) },
    {
      ...names,
      peer: "bullmq",
      benchmark: beside(appendBatch, (scale) => openAdd(url, { callers: 1, adds: Math.max(1, Math.round(100 * scale)), batch: 100 })),
    },
    { ...names, peer: "bullmq, in order", benchmark: beside(deliver, (scale) => openProcess(url, { count: Math.round(10_000 * scale), concurrency: 1 })) },
    { ...names, peer: "bullmq, no order", benchmark: beside(deliver, (scale) => openProcess(url, { count: Math.round(10_000 * scale), concurrency: 64 })) },
  ];
}

/** As the server is set: this changes nothing there. */
async function durabilityOf(url: string): Promise<string> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
  try {
    await redis.connect();
    const setting = async (name: string) => ((await redis.config("GET", name)) as readonly string[])[1];
    if ((await setting("appendonly")) !== "yes") return "memory (appendonly no)";
    return `appendonly, appendfsync ${await setting("appendfsync")}`;
  } finally {
    redis.disconnect();
  }
}

let queues = 0;

function openQueue(url: string) {
  // maxRetriesPerRequest: what a worker demands of its connection.
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const name = `reprise-bench-${process.pid}-${Date.now()}-${++queues}`;
  const queue = new Queue(name, { connection });
  return {
    queue,
    name,
    connection,
    async close() {
      await queue.obliterate({ force: true });
      await queue.close();
      await connection.quit();
    },
  };
}

const asJob = (event: NewEvent) => ({ name: event.type, data: event.data, opts: { jobId: event.id } });

async function openAdd(url: string, size: { readonly callers: number; readonly adds: number; readonly batch: number }): Promise<PeerWork> {
  let opened: ReturnType<typeof openQueue> | null = null;
  let jobs: readonly (readonly ReturnType<typeof asJob>[])[];
  return {
    async before() {
      await opened?.close();
      opened = openQueue(url);
      await opened.queue.waitUntilReady();
      jobs = Array.from({ length: size.callers * size.adds }, () => orders(size.batch).map(asJob));
    },
    async go() {
      await callers(size.callers, size.adds, (caller, turn) => {
        const batch = jobs[caller * size.adds + turn]!;
        return batch.length === 1 ? opened!.queue.add(batch[0]!.name, batch[0]!.data, batch[0]!.opts) : opened!.queue.addBulk([...batch]);
      });
      return size.callers * size.adds * size.batch;
    },
    async close() {
      await opened?.close();
    },
  };
}

/** Jobs that wait already; timed from the worker's start until the last is done. A done job is removed. */
async function openProcess(url: string, { count, concurrency }: { readonly count: number; readonly concurrency: number }): Promise<PeerWork> {
  let opened: ReturnType<typeof openQueue> | null = null;
  let worker: Worker | null = null;
  const closeRun = async () => {
    await worker?.close();
    await opened?.close();
  };
  return {
    async before() {
      await closeRun();
      opened = openQueue(url);
      for (let from = 0; from < count; from += 500) await opened.queue.addBulk(orders(Math.min(500, count - from)).map(asJob));
    },
    async go() {
      const all = Promise.withResolvers<void>();
      let done = 0;
      worker = new Worker(opened!.name, async () => {}, { connection: opened!.connection, concurrency, removeOnComplete: { count: 0 } });
      worker.on("completed", () => {
        if (++done === count) all.resolve();
      });
      worker.on("error", all.reject);
      await all.promise;
      return count;
    },
    close: closeRun,
  };
}
