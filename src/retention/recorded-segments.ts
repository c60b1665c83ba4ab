/** What a log has on record of the segments that its events went to: an archive that lacks one of them is not whole, however well its manifest reads. */
import { retentionStream } from "../event/names.ts";
import type { ReadOnlyLog } from "../log/event-log.ts";
import type { RetentionStreamData } from "../records/retention.ts";

/** By the address of the archive. */
export async function recordedSegments(log: Pick<ReadOnlyLog, "readAll">): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  for await (const batch of log.readAll({ filter: { streamPrefixes: [retentionStream] } }))
    for (const { stream, type, data } of batch) {
      if (stream !== retentionStream || type !== "retention.archived") continue;
      const { archive, segment } = data as unknown as RetentionStreamData["retention.archived"];
      const url = plainUrl(archive);
      found.set(url, (found.get(url) ?? new Set()).add(segment));
    }
  return found;
}

/** One address for one place. */
export const plainUrl = (url: string): string => url.replace(/^file:\/\/(?=\/)/, "file:").replace(/(?<=.)\/+$/, "");
