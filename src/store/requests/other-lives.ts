/** Whether another process that has begun a request is gone. On an embedded log it is: one process owns that. */
import type { Clock } from "../../event/clock.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";

export interface OtherLives {
  /**
   * True when it is gone; false as soon as it gives a sign of life. A process that gives none because it owns no handler is taken for gone, too: what it can have
   * begun then is an append, and the events of a request have their ids of it, so that they are stored once whoever appends them.
   */
  isGone(life: string): Promise<boolean>;
}

/** As long as others wait before they take over a handler. */
const lookMs = 2000;
const silentLooks = 6;
/** Processes that are known to be gone. More of them are looked at again. */
const maxGone = 1000;

export function makeOtherLives({ log, clock, signal }: { readonly log: EventLog; readonly clock: Clock; readonly signal: AbortSignal }): OtherLives {
  const { beats } = log;
  if (beats === undefined) return { isGone: async () => true };
  const gone = new Set<string>();
  const looking = new Map<string, Promise<boolean>>();

  async function look(life: string): Promise<boolean> {
    const first = await beats!.last(life);
    for (let looks = 0; looks < silentLooks; looks++) {
      await pause(lookMs, clock, signal);
      if (signal.aborted || (await beats!.last(life)) !== first) return false;
    }
    if (gone.size >= maxGone) gone.clear();
    gone.add(life);
    return true;
  }

  return {
    isGone(life) {
      if (gone.has(life)) return Promise.resolve(true);
      const asked = looking.get(life) ?? look(life).finally(() => looking.delete(life));
      looking.set(life, asked);
      return asked;
    },
  };
}
