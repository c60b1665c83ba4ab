import type { StoredEvent } from "../../event/event.ts";
import type { Deferrals } from "../../records/attempt.ts";
import type { AttemptRequest } from "../attempt/attempt.ts";
import type { Verdict } from "./partition.ts";

/** One call of a delivery that is a replay's own: of history, or to another handler. */
export interface OwnCall {
  readonly event: StoredEvent;
  /** Which call of this delivery it is, from 1. */
  readonly attempt: number;
  /** How often it was put off before. */
  readonly deferred: Deferrals;
  readonly replay: NonNullable<AttemptRequest["replay"]>;
}

/** A lane's slot, lent to a replay. */
export interface Lent {
  /** One at a time. @returns what it came to; `put_back`: nothing of it is known (the service stops, the receiver is gone, it was taken back). */
  call(call: OwnCall): Promise<Verdict>;
  /** A call that waits for its turn is answered with `put_back`; one that runs goes on. */
  takeBack(): void;
  /** The lane's live deliveries go on. */
  end(): void;
}
