import type { ArchiveRun } from "../../src/retention/run-report.ts";

export const archiveRunId = "0197a000-0000-7000-8000-00000000a001";

/** A run that has found something, and held something back. */
export function anArchiveRun(dryRun: boolean): ArchiveRun {
  return {
    ...{ id: archiveRunId, dryRun, state: "completed", startedAt: "2026-01-02T03:04:05.000Z", endedAt: "2026-01-02T03:04:06.000Z", why: null },
    rules: [{ entityType: "order", before: "2025-10-04T03:04:05.000Z", keepLast: 0, archive: "file:/srv/archive", events: 1200, entities: 40, held: 7 }],
    held: [
      {
        ...{ kind: "dead_letter", name: "mailer", reason: "dead letter of mailer", events: 7, entities: 1 },
        examples: [{ tenant: "default", entity: { type: "order", id: "o-1" }, revision: 4 }],
      },
    ],
    ...{ archived: dryRun ? 0 : 1200, segments: dryRun ? 0 : 1, removed: dryRun ? 0 : 1200, forgotten: 0, freedBytes: dryRun ? 0 : 409_600, owed: null },
  };
}
