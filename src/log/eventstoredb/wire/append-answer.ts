import { unpackToCommandError } from "@eventstore/db-client/dist/streams/appendToStream/unpackError.js";
import streams from "@eventstore/db-client/generated/streams_pb.js";
import { MessageReader } from "./message-reader.ts";

export interface AppendAnswer {
  readonly correlationId: string;
  /** Null: the server has refused the append. */
  readonly stored: Stored | null;
  /** Of the whole answer. */
  readonly bytes: Buffer;
}

export interface Stored {
  /** Revision of the stream's last event. */
  readonly last: number;
  /** Of the last event. Undefined: it was stored before, or the server does not say. */
  readonly position: bigint | undefined;
}

/** Reads a message `BatchAppendResp`. */
export function decodeAppendAnswer(bytes: Buffer): AppendAnswer {
  const answer = new MessageReader(bytes);
  let correlationId = "";
  let stored: Stored | null = null;
  for (let field = answer.next(); field !== 0; field = answer.next())
    if (field === 1) correlationId = fieldOf(answer.message(), 2)?.text() ?? "";
    else if (field === 3) stored = storedOf(answer.message());
    else answer.skip();
  return { correlationId, stored, bytes };
}

function storedOf(success: MessageReader): Stored {
  let last = 0;
  let position: bigint | undefined;
  for (let field = success.next(); field !== 0; field = success.next())
    if (field === 1) last = success.number();
    else if (field === 3) position = fieldOf(success.message(), 1)?.big() ?? 0n;
    else success.skip();
  return { last, position };
}

/** At the field's value; undefined when there is none. */
function fieldOf(message: MessageReader, wanted: number): MessageReader | undefined {
  for (let field = message.next(); field !== 0; field = message.next()) {
    if (field === wanted) return message;
    message.skip();
  }
  return undefined;
}

/** What the client makes of a refusal. It is rare, so the client's own way through its generated messages will do. */
export function refusalOf(bytes: Buffer): Error {
  const answer = streams.BatchAppendResp.deserializeBinary(bytes);
  const stream = Buffer.from(answer.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
  return unpackToCommandError(answer.getError()!, stream);
}
