/**
 * Signs of life of each process that works on the log, each process in a stream of its own. Only the last event of such a stream is kept (`$maxCount`), so
 * that it does not grow. The names of these streams have no dot, so they are no streams of the log, and no reader sees them.
 */
import { ErrorType, jsonEvent, NO_STREAM } from "@eventstore/db-client";
import type { NewId } from "../../event/ids.ts";
import type { Beats } from "../event-log.ts";
import { readNativePage } from "./page.ts";
import { ask, type Server, toldError } from "./server.ts";
import { isServerError } from "./server-error.ts";
import { within } from "./waiting.ts";

/** Of one process several may be under way, and each but the first finds the stream elsewhere than it thought. */
const maxConflicts = 4;
/** A scavenge may remove older signs, for a process that never comes back. */
const maxAgeSeconds = 86_400;

export function makeBeats(server: Server, newId: NewId, namespace: string): Beats {
  const { limits, clock, closing } = server;
  const revisions = new Map<string, bigint>();
  const nameOf = (who: string) => `${namespace}reprise-beat-${who}`;

  const write = async (stream: string, event: ReturnType<typeof jsonEvent>): Promise<bigint> => {
    for (let n = 0; ; n++) {
      const expectedRevision = revisions.get(stream) ?? NO_STREAM;
      try {
        const stored = await ask(server, "write", (client) =>
          within(client.appendToStream(stream, event, { expectedRevision, requiresLeader: true }), limits.answerMs, clock, closing),
        );
        revisions.set(stream, stored.nextExpectedRevision);
        return stored.nextExpectedRevision;
      } catch (error) {
        const actual = (error as { readonly actualVersion?: unknown }).actualVersion;
        if (n === maxConflicts || !isServerError(error, ErrorType.WRONG_EXPECTED_VERSION) || typeof actual !== "bigint")
          throw toldError(server, "write", error, "Writing a sign of life");
        revisions.set(stream, actual);
      }
    }
  };

  return {
    async beat(who) {
      const stream = nameOf(who);
      if (!revisions.has(stream)) await write(`$$${stream}`, jsonEvent({ id: newId(), type: "$metadata", data: { $maxCount: 1, $maxAge: maxAgeSeconds } }));
      return Number(await write(stream, jsonEvent({ id: newId(), type: "beat", data: {} })));
    },
    async last(who) {
      const [last] = (await readNativePage(server, nameOf(who), "backward", null, 1)).events;
      return last === undefined ? -1 : Number(last.revision);
    },
  };
}
