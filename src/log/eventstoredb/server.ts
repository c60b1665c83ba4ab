import { RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { Sent } from "./append-calls.ts";
import type { CallKind, Connection } from "./connection.ts";
import type { Envelope } from "./envelope.ts";
import type { EventStoreDbLogLimits } from "./limits.ts";
import { fromServerError, mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay, within } from "./waiting.ts";
import type { AppendRequest } from "./wire/append-request.ts";

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

/**
 * Appends once, with the client that works.
 *
 * @param wait bounds the time of the answer.
 */
export async function appendOnce(
  { connection }: Pick<Server, "connection">,
  request: AppendRequest,
  wait: (answer: Promise<Sent>) => Promise<Sent>,
): Promise<Sent> {
  const by = connection.sent();
  try {
    const answer = await wait(connection.current.append(request));
    connection.answered("write");
    return answer;
  } catch (error) {
    if (mayPass(error)) connection.failed("write", error, by);
    else connection.answered("write"); // refused
    throw error;
  }
}

/** Waits as long as an answer may take. */
export function withinAnswer({ limits, clock, closing }: Pick<Server, "limits" | "clock" | "closing">): <T>(answer: Promise<T>) => Promise<T> {
  return (answer) => within(answer, limits.answerMs, clock, closing);
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
