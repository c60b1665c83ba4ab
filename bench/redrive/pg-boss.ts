import { Client } from "pg";
import { PgBoss } from "pg-boss";
import { type Contestant, freshName, type Item, type Receiver, roundsOf, until, versionOf } from "./work.ts";

/**
 * `standard` fetches in the order of creation, and keeps no order between the jobs of a fetch. `key_strict_fifo` keeps the order of each key: a job that failed
 * holds the later ones back, so that the first job of each entity fails and the others wait. One worker takes a fetch after the other, and so keeps the order of
 * all fetches; four do not. A fetch takes as many jobs as there are entities, and the next one
 * comes at once while each comes back full: with other sizes it waits for half a second between two fetches.
 */
export function pgBossContestants(url: string): readonly Contestant[] {
  const version = versionOf("pg-boss");
  const kinds = [
    ["standard, one worker", { policy: "standard", workers: 1 }],
    ["standard, four workers", { policy: "standard", workers: 4 }],
    ["key_strict_fifo", { policy: "key_strict_fifo", workers: 1 }],
  ] as const;
  return kinds.map(([name, kind]) => ({
    name: `pg-boss, ${name}`,
    version,
    how: "retry(ids); commits synced, as the server is set",
    open: (items: readonly Item[], receiver: Receiver) => open(url, kind, items, receiver),
  }));
}

interface Kind {
  readonly policy: "standard" | "key_strict_fifo";
  readonly workers: number;
}

async function open(url: string, { policy, workers }: Kind, items: readonly Item[], receiver: Receiver) {
  const schema = freshName();
  const boss = new PgBoss({ connectionString: url, schema });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  const client = new Client({ connectionString: url });
  await client.connect();
  const queue = "orders";
  await boss.createQueue(queue, { policy, retryLimit: 0 });
  const failedIds = async () =>
    (await client.query<{ id: string }>(`select id from ${schema}.job where state = 'failed' order by created_on, id`)).rows.map(({ id }) => id);
  let failed: readonly string[] = [];
  const entities = new Set(items.map(({ entity }) => entity)).size;
  const willFail = policy === "standard" ? items.length : entities;
  return {
    async fail() {
      for (const round of roundsOf(items))
        await boss.insert(
          queue,
          round.map((data) => ({ data, ...(policy === "key_strict_fifo" && { singletonKey: String(data.entity) }) })),
        );
      await boss.work<Item, unknown>(
        queue,
        { batchSize: Math.ceil(entities / workers), localConcurrency: workers, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, perJobResults: true },
        async (jobs: readonly { readonly id: string; readonly data: Item }[]) =>
          Promise.all(
            jobs.map(async ({ id, data }) => {
              try {
                await receiver.take(data);
                return { id, status: "completed" as const };
              } catch {
                return { id, status: "failed" as const };
              }
            }),
          ),
      );
      await until(async () => {
        failed = await failedIds();
        return failed.length === willFail;
      }, "all jobs failed");
    },
    async redrive() {
      for (let from = 0; from < failed.length; from += 1000) await boss.retry(queue, failed.slice(from, from + 1000));
    },
    async close() {
      await boss.stop({ graceful: false });
      await client.query(`drop schema ${schema} cascade`);
      await client.end();
    },
  };
}
