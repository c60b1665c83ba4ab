import type { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import type { EncodedAppend } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import type { RecordClock } from "../record-clock.ts";
import type { OwnedConnection } from "./connection.ts";
import type { SyncPlace } from "./sync-place.ts";

export interface Waiting {
  readonly append: EncodedAppend;
  readonly resolve: (appended: readonly AppendedEvent[]) => void;
  readonly reject: (error: unknown) => void;
  /** In the order of the calls. A group is stored in this order. */
  readonly place: number;
  /** The group's result for the append, told after the commit. */
  answer: { readonly appended: readonly AppendedEvent[] } | { readonly refusal: unknown } | null;
}

/** The things that storing a group needs. */
export interface GroupNeeds {
  readonly connection: OwnedConnection;
  readonly clock: Clock;
  readonly recordClock: RecordClock;
  readonly syncPlace: SyncPlace;
  readonly told: WriterEvents;
}

export interface WriterEvents {
  /** After each group, when its appends are answered. */
  stored(): void;
  /** A group is on disk. */
  works(): void;
  /** A group could not be stored, or nobody knows whether it is. */
  fails(error: RepriseError): void;
  /** Whether the write-ahead log could be brought into log.db: it grows while it cannot. */
  tidies(error: RepriseError | null): void;
}
