import { afterAll } from "vitest";
import { openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";
import type { LogUnderTest } from "../contract/chapter.ts";
import { describeEventLog } from "../contract/event-log.ts";
import { locateByReading } from "../support/eventstore-log.ts";
import { startStandIn } from "../support/eventstore-stand-in/server.ts";
import { freshNamespace } from "../support/server-logs.ts";

const endings: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(endings.map((end) => end())));

async function openOn(connectionString: string, options: Parameters<typeof openEventStoreDbLog>[1] = {}): Promise<LogUnderTest> {
  const index = locateByReading(connectionString, options.namespace);
  endings.push(index.close);
  const open = () => openEventStoreDbLog(connectionString, { ...options, locate: index.locate });
  return { log: await open(), reopen: open };
}

async function openOnStandIn(options: Parameters<typeof openEventStoreDbLog>[1] = {}): Promise<LogUnderTest> {
  const server = await startStandIn();
  endings.push(() => server.stop());
  // It does not hang: what it does takes as long as the machine is busy with something else.
  return openOn(server.connectionString, { ...options, limits: { ...options.limits, drainMs: 30_000 } });
}

describeEventLog("EventStoreDB's stand-in", () => openOnStandIn());

/** Limits so small that a few events already meet them. */
const tight = {
  pageEvents: 16,
  batchEvents: 3,
  batchBytes: 5000,
  tailEvents: 4,
  tailBytes: 2000,
  cachedStreams: 1,
  recentIds: 2,
  lookBackEvents: 2,
  idleMs: 20,
};

describeEventLog("EventStoreDB's stand-in, with tight limits", () => openOnStandIn({ limits: tight }));

const url = process.env.EVENTSTORE_URL;
if (url !== undefined && url !== "") describeEventLog("EventStoreDB", () => openOn(url, { namespace: freshNamespace() }), 120_000);
