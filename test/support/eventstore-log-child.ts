/** Opens a log on EventStoreDB, appends, reads, follows it, closes, and must then end by itself: nothing here makes it. */
import { openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";

const [connectionString = "", id = ""] = process.argv.slice(2);
const log = await openEventStoreDbLog(connectionString);
await log.append(
  "shop.order-1",
  [{ id, type: "order.placed", schemaVersion: 1, source: null, occurredAt: null, data: 1, metadata: { priority: "normal" } }],
  "none",
);
for await (const _ of log.readAll()) break;
const closed = new Promise<void>((resolve) => {
  void (async () => {
    for await (const { live } of log.subscribe({ after: 0n, signal: new AbortController().signal })) if (live) resolve(log.close());
  })();
});
await closed;
process.stdout.write("closed\n");
