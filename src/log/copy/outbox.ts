import type { Position } from "../../event/event.ts";
import { encodeAppend } from "../append-rules.ts";
import { maxAppendBytes, maxAppendEvents } from "../event-log.ts";
import type { Copied } from "./copied.ts";
import type { CopyOptions } from "./copy-options.ts";
import type { CopyScratch } from "./copy-scratch.ts";
import type { Run } from "./run.ts";
import { makeTargetEnd } from "./target-end.ts";

const windowEvents = maxAppendEvents;

/** With `windowEvents`, this stays well within one commit of the embedded log. */
const windowBytes = 2 * maxAppendBytes;

interface Outbox {
  add(one: Copied): Promise<void>;
  /** Stores the events that wait, if one of them is an entity's, so that its position is known. */
  settle(): Promise<void>;
  flush(): Promise<void>;
  /** Events stored so far. */
  stored(): number;
}

/** Events on their way into the target. Neighbours of one stream make one append. */
export function makeOutbox(options: CopyOptions, scratch: CopyScratch): Outbox {
  const end = makeTargetEnd(options, scratch);
  let runs: Run[] = [];
  let unsettled = false;
  let events = 0;
  let bytes = 0;

  const flush = async (): Promise<void> => {
    const sent = runs;
    runs = [];
    unsettled = false;
    events = bytes = 0;
    if (sent.length === 0) return;
    await end.begin();
    const places: (readonly Position[] | null)[] = [];
    if (!options.together) for (const run of sent) places.push(await end.append(run));
    else {
      const answers = await Promise.allSettled(sent.map((run) => end.append(run)));
      for (const answer of answers) {
        if (answer.status === "rejected") throw answer.reason;
        places.push(answer.value);
      }
    }
    await end.record(sent, places);
  };

  return {
    async add(one) {
      const size = encodeAppend(one.stream, [one.event], "any").bytes;
      if (events + 1 > windowEvents || bytes + size > windowBytes) await flush();
      const run = runs.at(-1);
      if (run?.stream === one.stream && run.bytes + size <= maxAppendBytes) {
        run.events.push(one);
        run.bytes += size;
      } else runs.push({ stream: one.stream, events: [one], bytes: size });
      unsettled ||= !one.isOwn;
      events++;
      bytes += size;
    },
    settle: async () => {
      if (unsettled) await flush();
    },
    flush,
    stored: end.stored,
  };
}
