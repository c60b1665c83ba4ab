import type { StoredEvent } from "../../event/event.ts";
import type { DeliveryLimits } from "../limits.ts";
import type { DecisionTimes } from "../policy/decision-times.ts";
import type { Permits } from "./permits.ts";
import type { SlotShare } from "./slots.ts";

export interface PartitionOptions {
  readonly ordering: "strict" | "relaxed";
  readonly record: "batch" | "each";
  readonly unknownOutcome: "repeat" | "escalate";
  /** Deliveries in flight at once, of the whole handler in this process. */
  readonly concurrency: number;
  /** This partition's part in them; default: it has them all. */
  readonly slots?: SlotShare;
  readonly limits: DeliveryLimits;
  /** The leave of what the handler calls; null: it calls nothing that has a say. */
  readonly permits?: Permits | null;
  readonly wanted: {
    /** Whether the handler wants the event: its type is listed, and its position is beyond that type's `since`. @param isEntitys its stream is known to be an entity's. */
    has(event: StoredEvent, isEntitys?: boolean): boolean;
  };
  readonly chainFingerprint: (eventType: string) => string;
  /** How long people have for a decision; default a day, and it goes on waiting. */
  readonly decisions?: DecisionTimes;
  /** Lanes without work that are kept, about 300 bytes each; default 10,000. */
  readonly idleLanes?: number;
}
