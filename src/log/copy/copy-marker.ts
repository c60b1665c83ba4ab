/**
 * Whether a log is a copy that was not ended: the last event of `reprise.copy` says so. A copy writes `copy.begun` before the first event that it
 * brings, and `copy.ended` when it is whole; a service does not start in between, or it would deliver from half a journal.
 */
import { RepriseError } from "../../errors.ts";
import { newId } from "../../event/ids.ts";
import { copyStream } from "../../event/names.ts";
import type { EventLog } from "../event-log.ts";

/** The members of `copy.begun` and `copy.ended`. */
export interface CopyMark {
  /** The `logId` of the log that is copied. */
  readonly source: string;
  /** Null: all of them. */
  readonly tenant: string | null;
}

export async function isUnfinishedCopy(log: EventLog): Promise<boolean> {
  for await (const [last] of log.readStream(copyStream, { direction: "backward", limit: 1 })) return last?.type === "copy.begun";
  return false;
}

export async function markCopy(log: EventLog, type: "copy.begun" | "copy.ended", { source, tenant }: CopyMark): Promise<void> {
  const event = { id: newId(), type, schemaVersion: 1, source: null, occurredAt: null, data: { source, tenant }, metadata: { priority: "normal" } } as const;
  await log.append(copyStream, [event], "any");
}

/** @throws COPY_UNFINISHED */
export async function refuseUnfinishedCopy(log: EventLog): Promise<void> {
  if (await isUnfinishedCopy(log)) throw new RepriseError("COPY_UNFINISHED", "The log is a copy that has not come to its end.");
}
