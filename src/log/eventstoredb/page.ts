import { BACKWARDS, END, ErrorType, FORWARDS, type RecordedEvent, START } from "@eventstore/db-client";
import type { Position } from "../../event/event.ts";
import { makeIntake, readAhead } from "./intake.ts";
import { refuseWhenClosing, repeated, type Server } from "./server.ts";
import { isServerError } from "./server-error.ts";

export type Direction = "forward" | "backward";

/** Events as the server holds them; `cut`: there may be more beyond. */
export interface Page {
  readonly events: readonly RecordedEvent[];
  readonly cut: boolean;
}

/**
 * One page of the whole log, read to its end or left, so that nothing is open when it is answered.
 *
 * @param from forward: inclusive, 0 for the first event; backward: exclusive, null for the end.
 * @param enough ends the page early: called with each event.
 */
export function readAllPage(server: Server, direction: Direction, from: Position | null, count: number, enough: Enough, signal?: AbortSignal): Promise<Page> {
  const fromPosition = from === null ? END : from === 0n ? START : { commit: from, prepare: from };
  return repeated(server, "Reading the log", () =>
    readPage(
      server,
      () =>
        server.client.readAll({ direction: direction === "forward" ? FORWARDS : BACKWARDS, fromPosition, maxCount: count, requiresLeader: true }, readAhead),
      count,
      enough,
      signal,
    ),
  );
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
  return repeated(server, `Reading ${stream}`, async () => {
    try {
      return await readPage(
        server,
        () =>
          server.client.readStream(
            name,
            {
              direction: direction === "forward" ? FORWARDS : BACKWARDS,
              fromRevision: from === null ? END : BigInt(from),
              maxCount: count,
              requiresLeader: true,
            },
            readAhead,
          ),
        count,
        enough,
        signal,
      );
    } catch (error) {
      if (isServerError(error, ErrorType.STREAM_NOT_FOUND, ErrorType.STREAM_DELETED)) return { events: [], cut: false };
      throw error;
    }
  });
}

type Enough = (event: RecordedEvent) => boolean;

interface ClientRead {
  read(): { readonly event?: RecordedEvent } | null;
  on(event: string, listener: (reason?: unknown) => void): unknown;
  cancel(): Promise<void>;
}

async function readPage(server: Server, open: () => unknown, count: number, enough: Enough, signal: AbortSignal | undefined): Promise<Page> {
  const stop = () => {
    refuseWhenClosing(server);
    signal?.throwIfAborted();
  };
  stop();
  const source = open() as ClientRead;
  const intake = makeIntake(source, server.clock);
  const wake = () => intake.wake();
  server.closing.addEventListener("abort", wake);
  signal?.addEventListener("abort", wake);
  const events: RecordedEvent[] = [];
  let seen = 0;
  let cut = false;
  try {
    while (!cut && !intake.ended) {
      for (const { event } of await intake.take(({ event }) => (cut ||= event !== undefined && enough(event)), { ms: server.limits.answerMs })) {
        seen++;
        if (event !== undefined) events.push(event);
      }
      stop();
    }
    return { events, cut: cut || seen >= count };
  } finally {
    server.closing.removeEventListener("abort", wake);
    signal?.removeEventListener("abort", wake);
    if (!intake.ended) source.cancel().catch(() => {}); // it could not be opened: its error was told
  }
}
