/** One run that archives events, on a log that no service works on. */
import { resolve } from "node:path";
import { checkConfig } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import { systemClock } from "../event/clock.ts";
import { newId } from "../event/ids.ts";
import { localActor } from "../event/names.ts";
import { refuseUnfinishedCopy } from "../log/copy/copy-marker.ts";
import { openLog } from "../log/open-log.ts";
import { openArchive } from "../retention/archive/open-archive.ts";
import type { ArchiveRun } from "../retention/run-report.ts";
import { makeRetention } from "../retention/runs.ts";

export interface RunOnLog {
  readonly log: string;
  /** Path of the config file. */
  readonly config: string;
  readonly namespace?: string;
  readonly dryRun: boolean;
  readonly reason: string | null;
  readonly signal: AbortSignal;
}

/** @throws CONFIG_INVALID, LOG_MISSING, LOG_IN_USE, … and RETENTION_RUNNING */
export async function runOnLog({ log: url, config: path, namespace = "", dryRun, reason, signal }: RunOnLog): Promise<ArchiveRun> {
  const { catalog, retention: rules, handlers, archiveCredentials: credentials } = checkConfig(await loadConfig(resolve(path)));
  const log = await openLog(url, { namespace, create: false, signal });
  try {
    await refuseUnfinishedCopy(log);
    const ended = Promise.withResolvers<ArchiveRun>();
    const runs = makeRetention({
      ...{ log, catalog, rules, handlers: new Set(handlers.map(({ name }) => name)), clock: systemClock, newId, life: newId() },
      openArchive: (archive) => openArchive(archive, log.logId, { credentials }),
      pace: { everyMs: 0, eventsPerSecond: null },
      isAtWork: () => null,
      onTrouble() {},
      onRun: ended.resolve,
    });
    signal.addEventListener("abort", () => void runs.stop());
    await runs.beginArchiveRun({ dryRun, actor: localActor, ...(reason === null ? {} : { reason }) });
    const run = await ended.promise;
    await runs.stop();
    return run;
  } finally {
    await log.close();
  }
}
