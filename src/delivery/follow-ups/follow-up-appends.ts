import type { AppendedEvent } from "../../event/appended-event.ts";
import type { FollowUp } from "./follow-up.ts";

/** What the store does for the events that handlers append. */
export interface FollowUpAppends {
  /** Appends one event of a tenant, as the store appends any: checked, stored, and found again by its id. @throws what the store's `append` throws. */
  append(event: FollowUp, tenant: string): Promise<AppendedEvent>;
  /** The same checks, and nothing is stored: the answer for an event that is not in the log has revision −1 and position "0". */
  rehearse(event: FollowUp, tenant: string): Promise<AppendedEvent>;
}
