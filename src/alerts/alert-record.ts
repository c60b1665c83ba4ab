/** Where the state of an alert is kept, so that a restart neither fires nor resolves twice. */
import { isRepriseError } from "../errors.ts";
import type { NewId } from "../event/ids.ts";
import { alertStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { AlertEvent, AlertState } from "../records/alert.ts";
import { ownEvent } from "../records/own-event.ts";

export interface AlertRecord {
  /** @throws when it cannot be read. */
  read(): Promise<AlertState>;
  /**
   * Writes what `next` makes of the state, and asks it again when another process was faster.
   *
   * @param next null: nothing is to be written.
   * @returns the state after it. @throws when it cannot be written; whether it was is unclear then, and it has to be read again.
   */
  change(next: (state: AlertState) => AlertEvent | null): Promise<AlertState>;
}

/** Of an alert that was never looked at. */
export const nothing: AlertState = { firing: [], untold: [] };
/** Another process may be faster so often. */
const maxTries = 10;

/** In the log: over restarts, and for all instances together, because each change expects the one before it. */
export function recordInLog(name: string, { log, newId }: { readonly log: EventLog; readonly newId: NewId }): AlertRecord {
  const stream = alertStream(name);
  const last = async (): Promise<{ readonly state: AlertState; readonly revision: number }> => {
    for await (const batch of log.readStream(stream, { direction: "backward", limit: 1 }))
      for (const { data, revision } of batch) return { state: data as unknown as AlertState, revision };
    return { state: nothing, revision: await log.streamRevision(stream) };
  };
  return {
    read: async () => (await last()).state,
    async change(next) {
      for (let tries = 1; ; tries++) {
        const { state, revision } = await last();
        const event = next(state);
        if (event === null) return state;
        try {
          await log.append(stream, [ownEvent(newId, event.type, event.data)], revision === -1 ? "none" : revision);
          return event.data;
        } catch (error) {
          if (!isRepriseError(error, "REVISION_CONFLICT") || tries >= maxTries) throw error;
        }
      }
    },
  };
}
