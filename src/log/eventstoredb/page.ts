import { ErrorType } from "@eventstore/db-client";
import { isRepriseError } from "../../errors.ts";
import type { Position } from "../../event/event.ts";
import { makeIntake } from "./intake.ts";
import { refuseWhenClosing, repeated, type Server } from "./server.ts";
import { isServerError, mayPass } from "./server-error.ts";
import type { Direction, ReadRequest } from "./wire/read-request.ts";
import type { Recorded } from "./wire/recorded.ts";

/** Events as the server holds them; `cut`: there may be more beyond. */
export interface Page {
  readonly events: readonly Recorded[];
  readonly cut: boolean;
  /** The stream was deleted for good. */
  readonly ended?: boolean;
}

/**
 * Reads one page of the whole log to its end, or leaves it, so that nothing is open when this returns.
 *
 * @param from forward: inclusive, 0 for the first event; backward: exclusive, null for the end.
 * @param enough ends the page early: called with each event.
 */
export function readAllPage(server: Server, direction: Direction, from: Position | null, count: number, enough: Enough, signal?: AbortSignal): Promise<Page> {
  return repeated(server, "read", "Reading the log", () => readPage(server, { is: "page", direction, from, count }, enough, signal));
}

/**
 * One page of a stream. A stream that is not there, or was deleted, gives none.
 *
 * @param from inclusive; null for the end.
 */
export function readStreamPage(
  server: Server,
  stream: string,
  direction: Direction,
  from: number | null,
  count: number,
  enough: Enough = () => false,
  signal?: AbortSignal,
): Promise<Page> {
  const name = stream.startsWith("$$") ? `$$${server.envelope.nativeName(stream.slice(2))}` : server.envelope.nativeName(stream);
  return readNativePage(server, name, direction, from, count, enough, signal);
}

/** Like readStreamPage, for a stream by its name on the server. */
export function readNativePage(
  server: Server,
  name: string,
  direction: Direction,
  from: number | null,
  count: number,
  enough: Enough = () => false,
  signal?: AbortSignal,
): Promise<Page> {
  return repeated(server, "read", `Reading ${name}`, async () => {
    try {
      return await readPage(server, { is: "stream", stream: name, direction, from, count }, enough, signal);
    } catch (error) {
      if (isServerError(error, ErrorType.STREAM_DELETED)) return { events: [], cut: false, ended: true };
      if (isServerError(error, ErrorType.STREAM_NOT_FOUND)) return { events: [], cut: false };
      throw error;
    }
  });
}

type Enough = (event: Recorded) => boolean;

async function readPage(
  server: Server,
  request: ReadRequest & { readonly is: "page" | "stream" },
  enough: Enough,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const stop = () => {
    refuseWhenClosing(server);
    signal?.throwIfAborted();
  };
  stop();
  const { connection } = server;
  const opening = connection.current.read(request);
  const by = connection.sent();
  const intake = makeIntake(opening, server.clock);
  const wake = () => intake.wake();
  server.closing.addEventListener("abort", wake);
  signal?.addEventListener("abort", wake);
  const events: Recorded[] = [];
  let cut = false;
  try {
    while (!cut && !intake.ended) {
      for (const answer of await intake.take((one) => (cut ||= one.is === "event" && enough(one.event)), { ms: server.limits.answerMs }))
        if (answer.is === "event") events.push(answer.event);
      connection.heard();
      stop();
    }
    // A client that is given up ends its reads as if they had come to their end.
    if (!cut && !connection.isCurrent(by)) throw new Error("The connection was replaced during the read.");
    connection.answered("read");
    return { events, cut: cut || events.length >= request.count };
  } catch (error) {
    if (isRepriseError(error) || signal?.aborted) connection.left();
    else if (mayPass(error)) connection.failed("read", error, by);
    else connection.answered("read");
    throw error;
  } finally {
    server.closing.removeEventListener("abort", wake);
    signal?.removeEventListener("abort", wake);
    intake.leave();
  }
}
