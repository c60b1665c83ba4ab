import type { DeliveryStatus } from "./delivery.ts";

export const deliveryActs = ["given_up", "approved", "rejected", "expired", "replayed", "discarded", "skipped"] as const;

/** That somebody, or a policy, decided about a delivery. */
export interface DeliveryAct {
  readonly at: string;
  readonly what: (typeof deliveryActs)[number];
  /** A key's name, `local`, or `policy`. */
  readonly actor: string;
  readonly reason: string | null;
  /** The delivery's status; null: it had no trouble before. */
  readonly before: DeliveryStatus | null;
  readonly after: DeliveryStatus;
  readonly resolution: "not_needed" | "done_by_hand" | null;
  readonly replayId: string | null;
}
