import { Logger, makeWorkerUtils, type Runner, run } from "graphile-worker";
import { Client } from "pg";
import { type Contestant, concurrency, freshName, type Item, type Receiver, roundsOf, until, versionOf } from "./work.ts";

const quiet = new Logger(() => () => {});

/**
 * The local queue, which fetches 500 jobs at once, is what its documents advise for a high rate. Jobs of one named queue cannot be in it together, so `a queue each`
 * goes without it.
 *
 * `a queue each`: jobs with one `queueName` run one after another. Its documents advise against as many queues as there are entities.
 */
export function graphileWorkerContestants(url: string): readonly Contestant[] {
  const version = versionOf("graphile-worker");
  return [false, true].map((queues) => ({
    name: `graphile-worker, ${queues ? "a queue each" : "no queues"}`,
    version,
    how: "rescheduleJobs(ids); commits synced, as the server is set",
    open: (items: readonly Item[], receiver: Receiver) => open(url, queues, items, receiver),
  }));
}

async function open(url: string, queues: boolean, items: readonly Item[], receiver: Receiver) {
  const schema = freshName();
  const preset = {
    worker: {
      connectionString: url,
      schema,
      concurrentJobs: concurrency,
      maxPoolSize: concurrency + 6,
      logger: quiet,
      ...(!queues && { localQueue: { size: 500 } }),
    },
  };
  const utils = await makeWorkerUtils({ preset });
  await utils.migrate();
  const client = new Client({ connectionString: url });
  await client.connect();
  let runner: Runner | null = null;
  const failedIds = async () =>
    (await client.query(`select id::text from ${schema}.jobs where attempts = max_attempts and locked_at is null order by id`)).rows;
  let failed: readonly string[] = [];
  return {
    async fail() {
      for (const round of roundsOf(items))
        await utils.addJobs(
          round.map((payload) => ({
            identifier: "take",
            payload,
            maxAttempts: 1,
            ...(queues && { queueName: String(payload.entity) }),
          })),
        );
      runner = await run({ preset, taskList: { take: (payload) => receiver.take(payload as Item) } });
      await until(async () => (await failedIds()).length === items.length, "all jobs failed");
      failed = (await failedIds()).map(({ id }) => id);
    },
    async redrive() {
      await utils.rescheduleJobs([...failed], { maxAttempts: 2, runAt: new Date() }); // it takes `attempts: 0` for no change
    },
    async close() {
      // It tells of what is done after it was done, and deletes the job with that.
      await until(async () => (await client.query(`select from ${schema}.jobs limit 1`)).rowCount === 0, "no jobs");
      await runner?.stop();
      await utils.release();
      await client.query(`drop schema ${schema} cascade`);
      await client.end();
    },
  };
}
