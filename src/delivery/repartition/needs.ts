import type { Clock } from "../../event/clock.ts";
import type { ClaimJournalOptions } from "../dispatcher/claim-journal.ts";
import type { HandlerRecord, Repartitioning } from "../journal/handler-stream.ts";

/** What it takes to divide a handler's lanes anew. */
export interface RepartitionNeeds extends Omit<ClaimJournalOptions, "partition" | "of"> {
  readonly clock: Clock;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
  /** What the log has on record of the handler, compared with what this process has. */
  readonly configure: () => Promise<HandlerRecord>;
  /** Whether the process of that name, which has begun to divide a handler, may still be at it. */
  readonly isAtWork: (life: string) => boolean;
  /** @throws NOT_OWNER while another instance works on the handler that would not hear of it. */
  readonly mustBeOurs: (journals: readonly string[]) => Promise<void>;
  /** Resolves when nobody has a partition of the handler any more, or when an heir would not wait any longer. */
  readonly standAside: (division: Repartitioning, journals: readonly string[]) => Promise<void>;
}
