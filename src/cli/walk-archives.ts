import { RepriseError } from "../errors.ts";
import type { StoredEvent } from "../event/event.ts";
import type { ReadOnlyLog } from "../log/event-log.ts";
import { plainUrl, recordedSegments } from "../retention/recorded-segments.ts";
import type { ArchiveCredentials } from "../retention/retention-rule.ts";

/** The archives whose segments are read with a log. */
export interface WalkedArchives {
  readonly urls: readonly string[];
  readonly credentials?: ArchiveCredentials | undefined;
}

/** Reads what has left a log. Beside the archives that are named, those that the log has on record are read. @returns how many events that was; null: there is no archive. @throws ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED: a part alone would say that no archive needs a step. */
export async function walkArchives(
  { urls: named, credentials }: WalkedArchives,
  log: ReadOnlyLog,
  each: (event: StoredEvent) => void,
  signal: AbortSignal,
): Promise<number | null> {
  let events = 0;
  const recorded = await recordedSegments(log);
  const urls = new Set([...named.map(plainUrl), ...recorded.keys()]);
  if (urls.size === 0) return null;
  const { openArchive } = await import("../retention/archive/open-archive.ts");
  for (const url of urls) {
    const archive = await openArchive(url, log.logId, { credentials });
    try {
      const segments = await archive.segments();
      for (const segment of recorded.get(url) ?? [])
        if (!segments.some(({ name }) => name === segment))
          throw new RepriseError("ARCHIVE_DAMAGED", `${archive.url} has no segment ${segment}, to which events of this log went.`);
      for (const { name } of segments)
        for await (const batch of archive.read(name)) {
          if (signal.aborted) return events;
          batch.forEach(each);
          events += batch.length;
        }
    } finally {
      await archive.close();
    }
  }
  return events;
}

/** Those that the config names, and those of `--archive`. */
export function archivesFor(
  config: { readonly retention?: Readonly<Record<string, { readonly archive: string }>>; readonly archiveCredentials?: ArchiveCredentials },
  more: readonly string[] = [],
): WalkedArchives {
  const urls = [...Object.values(config.retention ?? {}).map(({ archive }) => archive), ...more];
  return { urls: [...new Set(urls)], credentials: config.archiveCredentials };
}
