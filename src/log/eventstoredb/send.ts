import { pause } from "../../event/waits.ts";
import type { EncodedAppend } from "../append-rules.ts";
import type { Sent } from "./append-calls.ts";
import type { Patience } from "./patience.ts";
import { appendOnce, type Server, toldError } from "./server.ts";
import { mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay } from "./waiting.ts";

/** Sends the same events to the same place until their result is clear, or until it is too late. */
export type Send = (append: EncodedAppend, head: number, recordedAt: string) => Promise<Sent>;

/** @param forget called for a stream whose end is not known any more. */
export function makeSend(server: Server, patience: Patience, forget: (stream: string) => void): Send {
  const { envelope, limits, clock } = server;
  return async ({ stream, events, recordedAt: before }, head, recordedAt) => {
    const proposed = events.map((event, i) => envelope.encode(event, before?.[i] ?? recordedAt));
    const request = { stream: envelope.nativeName(stream), head, events: proposed };
    for (let n = 0; ; n++) {
      try {
        const sent = await appendOnce(server, request, patience.wait);
        return sent.is === "stored" && n > 0 ? { ...sent, position: undefined } : sent;
      } catch (error) {
        // Time-outs are long: one repeat. The others fail at once.
        if (!mayPass(error) || server.closing.aborted || n >= (error instanceof NoAnswerError ? 1 : limits.repeats)) {
          forget(stream);
          throw toldError(server, "write", error, `Appending to ${stream}`);
        }
      }
      await pause(repeatDelay(n, limits), clock);
    }
  };
}
