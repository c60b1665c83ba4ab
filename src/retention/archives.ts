/** The archives that events of a log may be in, also those that the config no longer names. */
import { RepriseError } from "../errors.ts";
import type { NewId } from "../event/ids.ts";
import { archivesStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ArchivesStreamData } from "../records/retention.ts";
import type { RetentionRule } from "./retention-rule.ts";

/** Those of the config first, then those on record. */
export async function archivesOf(log: Pick<EventLog, "readStream">, rules: readonly RetentionRule[]): Promise<readonly string[]> {
  return [...new Set([...rules.map(({ archive }) => archive), ...(await recorded(log)).urls])];
}

/** Puts an archive on record, before the first event goes there. */
export async function noteArchive(log: EventLog, newId: NewId, url: string): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    const { urls, revision } = await recorded(log);
    if (urls.includes(url)) return;
    const data = { url } satisfies ArchivesStreamData["archive.used"];
    try {
      await log.append(archivesStream, [ownEvent(newId, "archive.used", data)], revision === -1 ? "none" : revision);
      return;
    } catch (error) {
      if (!(error instanceof RepriseError) || error.code !== "REVISION_CONFLICT") throw error;
    }
  }
  throw new RepriseError("LOG_UNAVAILABLE", `The archive ${url} could not be put on record: ${archivesStream} is changed all the time.`, {
    retryAfterMs: 1000,
  });
}

async function recorded(log: Pick<EventLog, "readStream">): Promise<{ readonly urls: readonly string[]; readonly revision: number }> {
  const urls: string[] = [];
  let revision = -1;
  for await (const batch of log.readStream(archivesStream))
    for (const event of batch) {
      revision = event.revision;
      const { url } = event.data as unknown as ArchivesStreamData["archive.used"];
      if (event.type === "archive.used" && event.source === "reprise" && typeof url === "string") urls.push(url);
    }
  return { urls, revision };
}
