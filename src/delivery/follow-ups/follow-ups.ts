/** Events that a handler appends because of the one that it was given (docs/rules.md, Follow-ups). */
import type { Catalog } from "../../catalog/catalog.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import type { Clock } from "../../event/clock.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { DeliveryLogger } from "../delivery-logger.ts";
import type { FollowUp } from "./follow-up.ts";
import { FollowUpScope, type FollowUpsOf } from "./follow-up-scope.ts";

/** What the store does for them. */
export interface FollowUpAppends {
  /** Appends one event of a tenant, as the store appends any: checked, stored, and found again by its id. @throws what the store's `append` throws. */
  append(event: FollowUp, tenant: string): Promise<AppendedEvent>;
  /** The same checks, and nothing is stored: the answer for an event that is not in the log has revision −1 and position "0". */
  rehearse(event: FollowUp, tenant: string): Promise<AppendedEvent>;
}

export interface FollowUpsOptions {
  readonly handler: string;
  readonly appends: FollowUpAppends;
  readonly log: Pick<EventLog, "findByIds">;
  readonly catalog: Pick<Catalog, "resolve">;
  readonly clock: Clock;
  readonly logger: DeliveryLogger;
}

export interface FollowUps {
  /** Those of one call. */
  open(of: FollowUpsOf): FollowUpScope;
}

export function makeFollowUps(options: FollowUpsOptions): FollowUps {
  return { open: (of) => new FollowUpScope(options, of) };
}
