import { RepriseError } from "../../errors.ts";
import type { StoredEvent } from "../../event/event.ts";
import type { ReadAllOptions, ReadStreamOptions } from "../event-log.ts";
import { type LogHead, makeLogHead } from "./log-head.ts";
import { type LogStart, makeLogStart } from "./log-start.ts";
import { readAll } from "./read-all.ts";
import { readPlaces } from "./read-places.ts";
import { readStream, streamRevision } from "./read-stream.ts";
import type { Server } from "./server.ts";
import type { Truncations } from "./truncations.ts";

/** Where an event stands. */
export interface Place {
  readonly stream: string;
  readonly revision: number;
}

export interface Reader extends LogHead {
  readonly start: LogStart;
  readAll(options: ReadAllOptions): AsyncGenerator<readonly StoredEvent[], void>;
  readStream(stream: string, options: ReadStreamOptions): AsyncGenerator<readonly StoredEvent[], void>;
  /** The existing events at these revisions, in order; at most the bytes of a batch at once. */
  readPlaces(stream: string, revisions: readonly number[]): AsyncGenerator<StoredEvent, void>;
  /** Revision of the last event that the server shows, −1 for none. */
  streamRevision(stream: string): Promise<number>;
}

export function makeReader(server: Server, truncations: Truncations): Reader {
  const head = makeLogHead(server);
  const start = makeLogStart(server);
  return {
    ...head,
    start,
    readAll: (options) => readAll(server, truncations, { ...head, start }, options),
    readStream: (stream, options) => readStream(server, truncations, stream, options),
    readPlaces: (stream, revisions) => readPlaces(server, truncations, stream, revisions),
    streamRevision: (stream) => streamRevision(server, stream),
  };
}

/** @throws REQUEST_INVALID above 1000. */
export function checkIds(ids: readonly string[]): void {
  if (ids.length > 1000) throw new RepriseError("REQUEST_INVALID", `At most 1000 ids are looked up at once, not ${ids.length}.`);
}
