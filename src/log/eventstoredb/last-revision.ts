/**
 * Finds where a stream ends, even when the server no longer shows any of its events because another program deleted or truncated them, or they expired. Whoever
 * waits for these events must learn that they are gone, and must not take the server for a node that lags behind.
 */
import { ErrorType } from "@eventstore/db-client";
import type { NewId } from "../../event/ids.ts";
import { endedForGood } from "../event-log.ts";
import { readStreamPage } from "./page.ts";
import { appendOnce, repeated, type Server, withinAnswer } from "./server.ts";
import { isServerError } from "./server-error.ts";

/** No stream has this revision, so an append that expects it is refused, and the refusal tells the stream's revision. */
const unreachable = Number.MAX_SAFE_INTEGER;

/** −1 for a stream that never was, `endedForGood` for one that was deleted for good (the server no longer tells how far it went). */
export async function lastRevision(server: Server, newId: NewId, stream: string): Promise<number> {
  const { events, ended } = await readStreamPage(server, stream, "backward", null, 1);
  const [last] = events;
  if (last !== undefined) return last.revision;
  if (ended) return endedForGood;
  // A stream that has lost its events has metadata that say so. Without metadata there was never an event.
  const metadata = await readStreamPage(server, `$$${stream}`, "backward", null, 1);
  return metadata.events.length === 0 ? -1 : told(server, newId, stream);
}

function told(server: Server, newId: NewId, stream: string): Promise<number> {
  return repeated(server, "write", `Looking where ${stream} ends`, async () => {
    const refused = { id: newId(), type: "refused", data: "{}", metadata: "" };
    try {
      const request = { stream: server.envelope.nativeName(stream), head: unreachable, events: [refused] };
      const sent = await appendOnce(server, request, withinAnswer(server));
      if (sent.is === "conflict") return sent.actual;
    } catch (error) {
      if (isServerError(error, ErrorType.STREAM_DELETED)) return endedForGood;
      throw error;
    }
    throw new Error(`${stream} is where no stream can be.`);
  });
}
