import { MessageReader } from "./message-reader.ts";
import { Recorded } from "./recorded.ts";

/** What the server sends to a read or a subscription. */
export type ReadAnswer =
  | { readonly is: "event"; readonly event: Recorded }
  /** The server has looked so far for events of the filter. */
  | { readonly is: "checkpoint"; readonly position: bigint }
  | { readonly is: "confirmed" | "caught_up" | "other" };

const confirmed: ReadAnswer = { is: "confirmed" };
const caughtUp: ReadAnswer = { is: "caught_up" };
const other: ReadAnswer = { is: "other" };

/** Reads a message `ReadResp`. */
export function decodeReadAnswer(bytes: Buffer): ReadAnswer {
  const answer = new MessageReader(bytes);
  const field = answer.next();
  if (field === 1) return eventOf(answer.message());
  if (field === 2) return confirmed;
  if (field === 3) return { is: "checkpoint", position: commitOf(answer.message()) };
  return field === 8 ? caughtUp : other;
}

/** A link that was to be followed would come in another field. Nobody asks for that. */
function eventOf(message: MessageReader): ReadAnswer {
  for (let field = message.next(); field !== 0; field = message.next()) {
    if (field === 1) return { is: "event", event: new Recorded(message.message()) };
    message.skip();
  }
  return other;
}

function commitOf(position: MessageReader): bigint {
  for (let field = position.next(); field !== 0; field = position.next()) {
    if (field === 1) return position.big();
    position.skip();
  }
  return 0n;
}
