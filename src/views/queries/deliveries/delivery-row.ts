import type { DeliveryStatus } from "../../model/delivery.ts";

export interface DeliveryRow {
  readonly handler: string;
  readonly revision: number;
  readonly position: number;
  readonly event_id: string;
  readonly delivery_id: string;
  readonly status: DeliveryStatus;
  readonly letter: 0 | 1;
  readonly attempts: number;
  readonly retry_count: number;
  readonly cause: string | null;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly next_attempt_at: string | null;
  readonly replay_id: string | null;
  readonly processed_at: string | null;
}
