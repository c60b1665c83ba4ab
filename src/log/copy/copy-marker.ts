/**
 * Tells whether a log is an unfinished copy, by the last event of `reprise.copy`. A copy writes `copy.begun` before the first event that it
 * stores, and `copy.ended` when it is whole. A service does not start in between, because it would deliver from half a journal.
 */
import { RepriseError } from "../../errors.ts";
import { newId } from "../../event/ids.ts";
import { copyStream } from "../../event/names.ts";
import type { EventLog } from "../event-log.ts";

/** The members of `copy.begun` and `copy.ended`. */
export interface CopyMark {
  /** The `logId` of the log that is copied. */
  readonly source: string;
  /** Null: all tenants. */
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
