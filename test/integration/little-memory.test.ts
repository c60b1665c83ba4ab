/** What a log holds at once is bounded in bytes: 90 MB or more of large events behind small ones, in a process of 48. */
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { newId } from "../../src/event/ids.ts";
import { openEventStoreDbLog } from "../../src/log/eventstoredb/open-eventstoredb-log.ts";
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { spawnStandIn } from "../support/eventstore-stand-in/spawn.ts";
import { fillLarge, largeIds, smallEvents } from "../support/little-memory.ts";
import { repositoryFolder, runNode } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const heapMb = 48;
/** Its client has a part of that for itself. */
const serverHeapMb = 80;
/** The log's own first event. */
const first = 1;

async function ended(place: string, what: string, heap = heapMb) {
  const child = fileURLToPath(new URL("../support/little-memory-child.ts", import.meta.url));
  const { code, stdout } = await runNode(repositoryFolder, `--max-old-space-size=${heap}`, "--conditions=@reprise/source", child, place, what);
  return { what, code, count: Number(stdout) };
}

const whole = [
  { what: "all", code: 0, count: first + 2 * smallEvents + largeIds.length },
  { what: "stream", code: 0, count: smallEvents + largeIds.length },
  { what: "backward", code: 0, count: smallEvents + largeIds.length },
  { what: "ids", code: 0, count: 1 },
  { what: "repeat", code: 0, count: 1 },
];

it("reads a log of large events, and looks for their ids, in little memory", async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog(folder);
  await fillLarge(log, newId);
  await log.close();
  for (const expected of whole) expect(await ended(folder, expected.what)).toEqual(expected);
  expect(await ended(folder, "known")).toEqual({ what: "known", code: 0, count: largeIds.length });
}, 120_000);

it("does the same on EventStoreDB", async () => {
  const server = await spawnStandIn("", 0);
  onTestFinished(() => void server.child.kill("SIGKILL"));
  const log = await openEventStoreDbLog(server.url);
  await fillLarge(log, newId);
  await log.close();
  // Each is a process of its own: one that catches up, and one that repeats what it does not know.
  for (const expected of whole.filter(({ what }) => ["all", "repeat"].includes(what)))
    expect(await ended(server.url, expected.what, serverHeapMb)).toEqual(expected);
}, 240_000);
