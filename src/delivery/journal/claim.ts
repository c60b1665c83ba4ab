/** Taking a journal over, and seeing that another process has. */
import { RepriseError } from "../../errors.ts";
import type { Position, StoredEvent } from "../../event/event.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import type { PartitionState } from "./state.ts";

export const claimType = "partition.claimed" satisfies JournalEvent["type"];

export interface Claim {
  readonly state: PartitionState;
  readonly unclean: boolean;
  readonly readAhead: number;
  /** Its revision, counted on from where the partitions before these ended: what the partition's owner is known by. */
  readonly epoch: number;
  /** Position of its record. What was asked before it was asked of another owner. */
  readonly at: Position;
}

/** The error of an owner that another instance has fenced by this claim. */
export function fencedBy({ stream, data }: StoredEvent): RepriseError {
  const { owner } = data as unknown as JournalData["partition.claimed"];
  return new RepriseError("FENCED", `${stream} was claimed by another process (${owner}).`, { fields: { owner, stream } });
}

/** The error of who would work on a journal that is in force no more. */
export function closedInto(stream: string, partitions: number): RepriseError {
  return new RepriseError("FENCED", `${stream} is closed: its handler is divided into ${partitions} partitions.`, { fields: { stream } });
}
