import type { EventLog } from "../event-log.ts";
import type { CopyMark } from "./copy-marker.ts";

export interface CopyOptions {
  /** Nobody may write to it during the copy: events that come later are not copied. */
  readonly source: EventLog;
  /** A new log, or the log that an earlier run has left. */
  readonly target: EventLog;
  /** Only this tenant's entities, and the journals' records about them. */
  readonly tenant?: string;
  /** Appends may be sent together, because the target stores those of one turn of the event loop in their order, all or none. */
  readonly together: boolean;
  /** Read both logs again and compare every stream. */
  readonly verify: boolean;
  /** Ends the copy between two appends. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  readonly phase: "checking" | "copying" | "verifying";
  readonly events: number;
  /** Events of the whole phase; null while they are being counted. */
  readonly total: number | null;
}

export interface CopyReport {
  /** Stored by this run. */
  readonly copied: number;
  /** Found in the target, from earlier runs. */
  readonly present: number;
  /** Events of the source in streams that are neither an entity's nor Reprise's own. */
  readonly passedOver: number;
  /** Null when the signal ended the copy, or no comparison was asked for. */
  readonly verified: Verified | null;
  /** False when the signal ended it. */
  readonly complete: boolean;
}

export interface Verified {
  readonly streams: number;
  readonly events: number;
  /** SHA-256 over all streams' names, counts and digests, hexadecimal: the same for any log that holds the same. */
  readonly digest: string;
  readonly differing: { readonly streams: readonly string[]; readonly total: number };
}

/** The result would be no copy: the source has lost events, or the target holds other events. This run changed nothing, or no more than its report says. */
export class CopyRefused extends Error {
  override readonly name = "CopyRefused";
}

export const progressEvery = 1000;

export const markOf = ({ source, tenant }: CopyOptions): CopyMark => ({ source: source.logId, tenant: tenant ?? null });
