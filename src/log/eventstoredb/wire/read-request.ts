import type { Position } from "../../../event/event.ts";
import type { EventFilter } from "../../event-log.ts";
import { MessageWriter } from "./message-writer.ts";

/** Which events the server sends, and in which order. Backward with `from` null: from the last one. Names of streams are those on the server. */
export type ReadRequest =
  | { readonly is: "page"; readonly direction: Direction; readonly from: Position | null; readonly count: number }
  | { readonly is: "stream"; readonly stream: string; readonly direction: Direction; readonly from: number | null; readonly count: number }
  /** Those beyond `after`, and those to come. */
  | { readonly is: "subscription"; readonly after: Position; readonly filter: EventFilter | null };

export type Direction = "forward" | "backward";

/** The server reports its progress after it has tested so many times 32 events against a filter. */
const checkpointInterval = 16;
/** At most so many are left when it has reported all that it has come to. */
export const checkpointEvents = checkpointInterval * 32;
const writer = new MessageWriter();
/** Beside the texts. */
const bytesOfRequest = 200;
const bytesOfPrefix = 8;
/** UTF-8 of a text has at most so many bytes for each of its units. */
const bytesOfUnit = 3;

/** A message `ReadReq`. Links come as they are, and ids as texts. */
export function encodeReadRequest(request: ReadRequest): Buffer {
  const texts = request.is === "stream" ? [request.stream] : request.is === "subscription" ? prefixesOf(request.filter) : [];
  writer.begin(texts.reduce((bytes, text) => bytes + bytesOfPrefix + bytesOfUnit * text.length, bytesOfRequest));
  const options = writer.open(1);
  if (request.is === "stream") streamPlace(request.stream, request.from);
  else logPlace(request.is === "page" ? request.from : request.after);
  if (request.is !== "subscription") {
    if (request.direction === "backward") writer.number(3, 1);
    writer.number(5, request.count);
  } else writer.empty(6);
  if (request.is === "subscription" && request.filter !== null) filterBy(request.filter);
  else writer.empty(8);
  const ids = writer.open(9);
  writer.empty(2);
  writer.close(ids);
  writer.close(options);
  return writer.end();
}

function streamPlace(stream: string, from: number | null): void {
  const place = writer.open(1);
  const identifier = writer.open(1);
  writer.text(3, stream);
  writer.close(identifier);
  if (from === null) writer.empty(4);
  else writer.number(2, from);
  writer.close(place);
}

function logPlace(from: Position | null): void {
  const place = writer.open(2);
  if (from === null) writer.empty(3);
  else if (from === 0n) writer.empty(2);
  else {
    const position = writer.open(1);
    writer.big(1, from);
    writer.big(2, from);
    writer.close(position);
  }
  writer.close(place);
}

function filterBy(filter: EventFilter): void {
  const options = writer.open(7);
  const expression = writer.open("types" in filter ? 2 : 1);
  for (const prefix of prefixesOf(filter)) writer.text(2, prefix);
  writer.close(expression);
  writer.empty(4);
  writer.number(5, checkpointInterval);
  writer.close(options);
}

function prefixesOf(filter: EventFilter | null): readonly string[] {
  if (filter === null) return [];
  return "types" in filter ? filter.types : filter.streamPrefixes;
}
