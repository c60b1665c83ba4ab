import { MessageWriter } from "./message-writer.ts";

/** An event as the server takes it: its data and metadata are JSON. Metadata may be empty. */
export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export interface AppendRequest {
  /** Its name on the server. */
  readonly stream: string;
  /** Revision of the stream's last event; −1: it has none. */
  readonly head: number;
  readonly events: readonly Proposed[];
}

const writer = new MessageWriter();
/** Beside the texts. */
const bytesOfEvent = 160;
const bytesOfRequest = 160;
/** UTF-8 of a text has at most so many bytes for each of its units. */
const bytesOfUnit = 3;

/**
 * A message `BatchAppendReq` with all events of the append.
 *
 * @param correlationId a UUID, by which the answer is known.
 */
export function encodeAppendRequest({ stream, head, events }: AppendRequest, correlationId: string, deadlineMs: number): Buffer {
  let units = stream.length;
  for (const { type, data, metadata } of events) units += type.length + data.length + metadata.length;
  writer.begin(bytesOfRequest + bytesOfEvent * events.length + bytesOfUnit * units);
  uuid(1, correlationId);
  const options = writer.open(2);
  const identifier = writer.open(1);
  writer.text(3, stream);
  writer.close(identifier);
  if (head === -1) writer.empty(3);
  else writer.number(2, head);
  const deadline = writer.open(6);
  writer.number(1, Math.ceil(deadlineMs / 1000));
  writer.close(deadline);
  writer.close(options);
  for (const { id, type, data, metadata } of events) {
    const message = writer.open(3);
    uuid(1, id);
    about("type", type);
    about("content-type", "application/json");
    if (metadata !== "") writer.text(3, metadata);
    writer.text(4, data);
    writer.close(message);
  }
  writer.number(4, 1); // these are all
  return writer.end();
}

function uuid(field: number, id: string): void {
  const message = writer.open(field);
  writer.text(2, id);
  writer.close(message);
}

/** An entry of the map that the server keeps beside an event. */
function about(name: string, value: string): void {
  const entry = writer.open(2);
  writer.text(1, name);
  writer.text(2, value);
  writer.close(entry);
}
