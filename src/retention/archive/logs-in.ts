import { isUuid } from "../../event/ids.ts";
import type { ArchivePlace } from "./archive-place.ts";

/** The ids of the logs that have an archive at a place. @throws ARCHIVE_UNAVAILABLE */
export async function logsIn(place: ArchivePlace): Promise<readonly string[]> {
  const ids = new Set<string>();
  for await (const name of place.list("")) {
    const [id = ""] = name.split("/", 1);
    if (isUuid(id)) ids.add(id);
  }
  return [...ids].sort((a, b) => (a < b ? -1 : 1));
}
