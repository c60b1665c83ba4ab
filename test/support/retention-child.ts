/** A process that makes one run on a log, to be killed: `node retention-child.ts <folder of the log> <archive> <now> <events a second>`. */
import { openSqliteLog } from "../../src/log/sqlite/open-sqlite-log.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { retentionRules } from "./retention-rules.ts";
import { runOnce } from "./retention-scene.ts";

const [folder, archive, nowMs, perSecond] = process.argv.slice(2) as [string, string, string, string];
const log = await openSqliteLog(folder);
process.stdout.write("begun\n");
const run = await runOnce(log, {
  ...{ rules: retentionRules(archive), nowMs: Number(nowMs), eventsPerSecond: Number(perSecond) },
  openArchive: (url) => openArchive(url, log.logId, { segmentBytes: 100_000 }),
});
await log.close();
process.stdout.write(`ended ${run.archived}\n`);
