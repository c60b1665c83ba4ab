/** `node <flags> thread-heaps.ts <folder>`: prints the heap limits, in bytes, of the thread that writes views, and of one that is started after it. */
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import threads from "node:worker_threads";
import { makePositionWaiters } from "../../src/views/position-waiters.ts";
import { openViewStore } from "../../src/views/store.ts";
import { ordersCatalog } from "./views-history.ts";

const started: threads.Worker[] = [];
threads.Worker = class extends threads.Worker {
  constructor(...options: ConstructorParameters<typeof threads.Worker>) {
    super(...options);
    started.push(this);
  }
};
syncBuiltinESMExports();
const { startThread } = await import("../../src/views/apart/row-threads.ts");
const { SharedPlaces } = await import("../../src/views/apart/shared-places.ts");

const file = join(process.argv[2]!, "views.db");
openViewStore(file, "a log", ordersCatalog, "live").close();
const begins = {
  file,
  use: "live",
  from: 0n,
  shared: new SharedPlaces().buffer,
  waiting: makePositionWaiters(() => 0n).waiting,
  log: null,
  abridgedThrough: 0n,
} as const;
const thread = startThread(
  begins,
  () => {},
  () => {},
);
const limits = [await limitOf(started[0]!)];
const other = new threads.Worker("setInterval(() => {}, 1000)", { eval: true });
limits.push(await limitOf(other));
await thread.stop();
await other.terminate();
console.log(JSON.stringify(limits));

async function limitOf(worker: threads.Worker): Promise<number> {
  await once(worker, "online");
  return (await worker.getHeapStatistics()).heap_size_limit;
}
