import type { FailureText } from "../../catalog/catalog.ts";
import type { AttemptRecord } from "../../records/attempt.ts";
import type { AmendmentAct } from "./amendment.ts";
import type { DeliveryAct } from "./delivery-act.ts";

export const deliveryStatuses = [
  "pending",
  "processing",
  "completed",
  "failed",
  "dead_lettered",
  "held",
  "escalated",
  "replayed",
  "discarded",
  "skipped",
] as const;

export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** Something that the handler did outside for the event, on record; without its result. */
export interface EffectView {
  readonly key: string;
  /** Of a split event: for which part. */
  readonly part: number | null;
  readonly at: string;
  /** The replay that did it. */
  readonly replayId: string | null;
}

export interface DeliveryView {
  readonly deliveryId: string;
  readonly handler: string;
  readonly status: DeliveryStatus;
  /** All calls ever. */
  readonly attempts: number;
  /** The failed ones of this round. */
  readonly retryCount: number;
  readonly error: FailureText | null;
  readonly nextAttemptAt: string | null;
  readonly processedAt: string | null;
  readonly replayId: string | null;
  /** Newest first, at most 50. Empty in lists. */
  readonly history: readonly AttemptRecord[];
  /** Newest first, at most 50. Empty in lists. */
  readonly amendments: readonly AmendmentAct[];
  /** What people and policies decided about it, amendments apart. Newest first, at most 50. Empty in lists. */
  readonly acts: readonly DeliveryAct[];
  /** In the order done, at most 256. Empty in lists. */
  readonly effects: readonly EffectView[];
}

export interface RecordedDelivery {
  readonly handler: string;
  readonly stream: string;
  readonly revision: number;
  readonly eventId: string;
  readonly status: DeliveryStatus;
  readonly error: FailureText | null;
}

/** Reads of single deliveries. */
export interface DeliveryReads {
  /** The deliveries of an event, or the one with this delivery id; empty when there is no such event or delivery. An act that is refused says why with their status. */
  deliveriesOf(tenant: string, id: string): Promise<readonly DeliveryView[]>;
  /** A delivery that has a record of its own, because it did not simply complete. */
  recordedDelivery(tenant: string, deliveryId: string): Promise<RecordedDelivery | undefined>;
}
