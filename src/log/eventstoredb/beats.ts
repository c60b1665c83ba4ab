/**
 * Signs of life of each process that works on the log, each process in a stream of its own. Only the last event of such a stream is kept (`$maxCount`), so
 * that it does not grow. The names of these streams have no dot, so they are no streams of the log, and no reader sees them.
 */
import type { NewId } from "../../event/ids.ts";
import type { Beats, Heard } from "../beats.ts";
import { readNativePage } from "./page.ts";
import { appendOnce, type Server, toldError, withinAnswer } from "./server.ts";
import type { Proposed } from "./wire/append-request.ts";

/** Of one process several may be under way, and each but the first finds the stream elsewhere than it thought. */
const maxConflicts = 4;
/** A scavenge may remove older signs, for a process that never comes back. */
const maxAgeSeconds = 86_400;

export function makeBeats(server: Server, newId: NewId, namespace: string): Beats {
  const revisions = new Map<string, number>();
  const nameOf = (who: string) => `${namespace}reprise-beat-${who}`;

  const write = async (stream: string, event: Omit<Proposed, "metadata">): Promise<number> => {
    const request = { stream, events: [{ ...event, metadata: "" }] };
    try {
      for (let n = 0; ; n++) {
        const sent = await appendOnce(server, { ...request, head: revisions.get(stream) ?? -1 }, withinAnswer(server));
        const last = sent.is === "stored" ? sent.last : sent.actual;
        if (sent.is === "conflict" && (n === maxConflicts || last === -1)) throw new Error("Others write to the stream of this process.");
        revisions.set(stream, last);
        if (sent.is === "stored") return last;
      }
    } catch (error) {
      throw toldError(server, "write", error, "Writing a sign of life");
    }
  };

  const heard = async (who: string): Promise<Heard> => {
    const [last] = (await readNativePage(server, nameOf(who), "backward", null, 1)).events;
    return last === undefined ? { number: -1, says: {} } : { number: last.revision, says: last.data };
  };

  return {
    async beat(who, says = {}) {
      const stream = nameOf(who);
      if (!revisions.has(stream))
        await write(`$$${stream}`, { id: newId(), type: "$metadata", data: JSON.stringify({ $maxCount: 1, $maxAge: maxAgeSeconds }) });
      return write(stream, { id: newId(), type: "beat", data: JSON.stringify(says) });
    },
    last: async (who) => (await heard(who)).number,
    heard,
  };
}
