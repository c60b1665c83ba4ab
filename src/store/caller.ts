/** Who calls the store. Each of its methods resolves this once, here; everything below has a tenant and an actor. */

import type { StoredEvent } from "../event/event.ts";
import { defaultTenant, localActor } from "../event/names.ts";
import type { Act } from "../records/act.ts";

export interface Caller {
  /** Whose events the call sees. */
  readonly tenant: string;
  /** The name in the records of what the call does. */
  readonly actor: string;
}

/** A caller as a call names it. What is left out is what a caller without a key is: the tenant `default`, the actor `local`. */
export interface CallerOptions {
  readonly tenant?: string;
  readonly actor?: string;
  readonly once?: OnceOnly;
}

/** Says that a call belongs to a request that may come again, and is to be done once. The HTTP edge makes it of an Idempotency-Key. */
export interface OnceOnly {
  /** Of the act, the same each time it comes. Its records bear it. */
  readonly actId: string;
  /** An earlier try of it has begun, and may have done it. */
  readonly isAgain: boolean;
  /** What earlier tries of it have on record. */
  records(): Promise<readonly StoredEvent[]>;
  /** The id of an event that is appended without one. */
  eventId(index: number): string;
}

export interface ActOptions extends CallerOptions {
  readonly reason?: string;
}

/** Of an act that nothing undoes: it takes a reason. */
export interface FinalActOptions extends ActOptions {
  readonly reason: string;
}

export function callerOf({ tenant = defaultTenant, actor = localActor }: CallerOptions = {}): Caller {
  return { tenant, actor };
}

/** What the record of an act says of who decided it. */
export function actOf({ actor = localActor, reason, once }: ActOptions): Act {
  return { actor, reason: reason ?? null, ...(once === undefined ? {} : { id: once.actId }) };
}
