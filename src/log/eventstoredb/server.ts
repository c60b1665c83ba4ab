import type { EventStoreDBClient } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import { type Clock, pause } from "../../event/clock.ts";
import type { Envelope } from "./envelope.ts";
import type { EventStoreDbLogLimits } from "./limits.ts";
import { fromServerError, mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay } from "./waiting.ts";

/** What all parts of the adapter share. */
export interface Server {
  readonly client: EventStoreDBClient;
  readonly envelope: Envelope;
  readonly limits: EventStoreDbLogLimits;
  readonly clock: Clock;
  /** Aborted when the log closes: ends reads, subscriptions and waits, no append that was sent. */
  readonly closing: AbortSignal;
}

/** @throws CLOSED */
export function refuseWhenClosing({ closing }: Pick<Server, "closing">): void {
  if (closing.aborted) throw new RepriseError("CLOSED", "The log is closed.");
}

/**
 * Repeats what changes nothing, as often as `limits.repeats` says; once after a time-out, which is long.
 *
 * @throws what fromServerError makes of the last failure.
 */
export async function repeated<T>(server: Server, doing: string, act: () => Promise<T>): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await act();
    } catch (error) {
      if (!mayPass(error) || n >= (error instanceof NoAnswerError ? 1 : server.limits.repeats)) throw fromServerError(error, doing);
    }
    await pause(repeatDelay(n, server.limits), server.clock, server.closing);
    refuseWhenClosing(server);
  }
}
