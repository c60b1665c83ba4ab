import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { type Contestant, concurrency, freshName, type Item, type Receiver, roundsOf, until, versionOf } from "./work.ts";

/** Order per key ("groups") is in BullMQ Pro only: the free version keeps the order of the whole queue with one job at a time. */
export async function bullMqContestants(url: string): Promise<readonly Contestant[]> {
  const version = versionOf("bullmq");
  const durability = await durabilityOf(url);
  return [
    { name: "bullmq, 64 at once", version, how: `retryJobs; ${durability}`, open: (items, receiver) => open(url, items, receiver, concurrency) },
    { name: "bullmq, one at a time", version, how: `retryJobs; ${durability}`, open: (items, receiver) => open(url, items, receiver, 1) },
  ];
}

/** As the server is set: this changes nothing there. */
async function durabilityOf(url: string): Promise<string> {
  const redis = new Redis(url, { retryStrategy: () => null });
  try {
    const setting = async (name: string) => ((await redis.config("GET", name)) as readonly string[])[1];
    return (await setting("appendonly")) === "yes" ? `appendonly, appendfsync ${await setting("appendfsync")}` : "memory (appendonly no)";
  } finally {
    redis.disconnect();
  }
}

async function open(url: string, items: readonly Item[], receiver: Receiver, atOnce: number) {
  const connection = new Redis(url, { maxRetriesPerRequest: null }); // what a worker demands of its connection
  const name = freshName();
  const queue = new Queue<Item>(name, { connection });
  const worker = new Worker<Item>(name, ({ data }) => receiver.take(data), { connection, concurrency: atOnce });
  worker.on("error", (error) => console.error(error));
  return {
    async fail() {
      for (const round of roundsOf(items)) await queue.addBulk(round.map((data) => ({ name: "order.placed", data, opts: { attempts: 1 } })));
      await until(async () => (await queue.getFailedCount()) === items.length, "all jobs failed");
    },
    redrive: () => queue.retryJobs({ state: "failed", count: 1000 }),
    async close() {
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
      await connection.quit();
    },
  };
}
