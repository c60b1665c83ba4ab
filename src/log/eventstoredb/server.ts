import type { EventStoreDBClient } from "@eventstore/db-client";
import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { CallKind, Connection } from "./connection.ts";
import type { Envelope } from "./envelope.ts";
import type { EventStoreDbLogLimits } from "./limits.ts";
import { fromServerError, mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay } from "./waiting.ts";

/** The things that all parts of the adapter share. */
export interface Server {
  readonly connection: Connection;
  readonly envelope: Envelope;
  readonly limits: EventStoreDbLogLimits;
  readonly clock: Clock;
  /** Aborted when the log closes. It ends reads, subscriptions and waits, but no append that was sent. */
  readonly closing: AbortSignal;
}

/** @throws CLOSED */
export function refuseWhenClosing({ closing }: Pick<Server, "closing">): void {
  if (closing.aborted) throw new RepriseError("CLOSED", "The log is closed.");
}

/** Makes one call of the server, with the client that works. */
export async function ask<T>({ connection }: Pick<Server, "connection">, kind: CallKind, call: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
  const by = connection.sent();
  try {
    const answer = await call(connection.client);
    connection.answered(kind);
    return answer;
  } catch (error) {
    if (mayPass(error)) connection.failed(kind, error, by);
    else connection.answered(kind); // refused
    throw error;
  }
}

/**
 * Repeats a call that changes nothing, at most `limits.repeats` times; after a time-out, which is long, only once.
 *
 * @throws what fromServerError makes of the last failure.
 */
export async function repeated<T>(server: Server, kind: CallKind, doing: string, act: () => Promise<T>): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await act();
    } catch (error) {
      if (!mayPass(error) || n >= (error instanceof NoAnswerError ? 1 : server.limits.repeats)) throw toldError(server, kind, error, doing);
    }
    await pause(repeatDelay(n, server.limits), server.clock, server.closing);
    refuseWhenClosing(server);
  }
}

/** The error of a call that failed for good. It counts until such a call is answered again. */
export function toldError({ connection, closing }: Pick<Server, "connection" | "closing">, kind: CallKind, error: unknown, doing: string): RepriseError {
  const told = fromServerError(error, doing);
  if (told.code === "LOG_UNAVAILABLE" && !closing.aborted) connection.told(kind, told.message);
  return told;
}
