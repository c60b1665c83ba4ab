import type { AnyPosition, PositionText as Position } from "../../event/event.ts";
import type { DeliveryStatus } from "./delivery.ts";

export interface HistoryFilter {
  readonly tenant: string;
  readonly handler: string;
  /** Current names of the types to take. */
  readonly types: readonly string[];
  readonly entityType?: string;
  readonly entityId?: string;
  /** Recorded at or after, before: milliseconds since 1970. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Both inclusive. */
  readonly fromPosition?: AnyPosition;
  readonly toPosition?: AnyPosition;
}

/** An event that was delivered before, or was never wanted. */
export interface HistoryPointer {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly eventId: string;
  readonly type: string;
  /** Of its delivery to the handler; null when the handler does not want it. */
  readonly status: DeliveryStatus | null;
}

export interface HistoryReads {
  /** Events of the log for one handler, oldest first, as a replay of history needs them. At most `limit`. */
  history(filter: HistoryFilter, limit: number): Promise<readonly HistoryPointer[]>;
}
