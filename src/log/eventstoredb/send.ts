import { ErrorType, NO_STREAM } from "@eventstore/db-client";
import { pause } from "../../event/waits.ts";
import type { EncodedAppend } from "../append-rules.ts";
import type { Patience } from "./patience.ts";
import { ask, type Server, toldError } from "./server.ts";
import { isServerError, mayPass, NoAnswerError } from "./server-error.ts";
import { repeatDelay } from "./waiting.ts";

export type Sent =
  | { readonly is: "stored"; readonly last: number; readonly position: bigint | undefined }
  | { readonly is: "conflict"; readonly actual: number };

/** Sends the same events to the same place until their result is clear, or until it is too late. */
export type Send = (append: EncodedAppend, head: number, recordedAt: string) => Promise<Sent>;

/** @param forget called for a stream whose end is not known any more. */
export function makeSend(server: Server, patience: Patience, forget: (stream: string) => void): Send {
  const { envelope, limits, clock } = server;
  return async ({ stream, events, recordedAt: before }, head, recordedAt) => {
    const proposed = events.map((event, i) => envelope.encode(event, before?.[i] ?? recordedAt));
    const options = { expectedRevision: head === -1 ? NO_STREAM : BigInt(head), requiresLeader: true } as const;
    for (let n = 0; ; n++) {
      try {
        const name = envelope.nativeName(stream);
        const result = await ask(server, "write", (client) => patience.wait(client.appendToStream(name, proposed, options)));
        if (!result.success) return { is: "conflict", actual: -1 }; // throwOnAppendFailure=false: what it says beside is not right
        return { is: "stored", last: Number(result.nextExpectedRevision), position: n === 0 ? result.position?.commit : undefined };
      } catch (error) {
        if (isServerError(error, ErrorType.WRONG_EXPECTED_VERSION)) {
          const actual = (error as { readonly actualVersion?: bigint | string }).actualVersion;
          return { is: "conflict", actual: typeof actual === "bigint" ? Number(actual) : -1 };
        }
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
