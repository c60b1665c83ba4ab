import type { Retention } from "../retention/runs.ts";
import { type ArchiveReadNeeds, type ArchiveReads, makeArchiveReads } from "./archive-reads.ts";
import { makeRestoreActs, type RestoreActNeeds, type RestoreActs } from "./restore-archived.ts";

type ArchiveSideNeeds = ArchiveReadNeeds & RestoreActNeeds & { readonly retention: Retention };

/** All that a store does with what leaves the log, and what has left it. */
export function makeArchiveSide(needs: ArchiveSideNeeds): ArchiveReads & RestoreActs & Pick<Retention, "beginArchiveRun" | "archiveRun"> {
  const { beginArchiveRun, archiveRun } = needs.retention;
  return { ...makeArchiveReads(needs), ...makeRestoreActs(needs), beginArchiveRun, archiveRun };
}
