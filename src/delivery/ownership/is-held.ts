import type { EventLog } from "../../log/event-log.ts";
import { claimType } from "../journal/claim.ts";
import { isOwnEvent } from "../journal/journal-read.ts";

/** How far back a claim is looked for. */
const maxRead = 5000;

/** Whether somebody has claimed the journal, and has not let go of it. */
export async function isHeld(log: Pick<EventLog, "readStream">, journal: string): Promise<boolean> {
  let read = 0;
  for await (const batch of log.readStream(journal, { direction: "backward", limit: maxRead, damaged: "given" }))
    for (const event of batch) {
      read++;
      if (!isOwnEvent(event)) continue;
      if (event.type === "partition.released" || event.type === "partition.closed") return false;
      if (event.type === claimType) return true;
    }
  return read === maxRead;
}
