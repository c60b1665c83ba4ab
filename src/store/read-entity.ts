import type { Entity, StoredEvent } from "../event/event.ts";
import { streamName } from "../event/names.ts";
import { makeTurns } from "../event/turns.ts";
import { type EventLog, endedForGood } from "../log/event-log.ts";
import { makePageRoom, onePage } from "../log/page-bytes.ts";
import type { EventView } from "../views/model/event.ts";
import type { Views } from "../views/model/views.ts";
import { callerOf } from "./caller.ts";

export interface ReadEntityOptions {
  readonly tenant?: string;
  /** Forward: the first revision, default 0. Backward: the revision to read down from, default the last one. */
  readonly from?: number;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  readonly direction?: "forward" | "backward";
}

/** One page of an entity's events. */
export interface EntityPage {
  readonly events: readonly EventView[];
  /** Where the next page begins; null at the end. */
  readonly nextFrom: number | null;
  /** Of the entity's last event; −1 for an entity that has none. */
  readonly revision: number;
}

export interface Reads {
  /** Reads one page of an entity's events from the log, by revision, lifted. An unknown entity has none. */
  readEntity(entity: Entity, options?: ReadEntityOptions): Promise<EntityPage>;
}

/** Events that are presented together at most: each may have many deliveries to be told with it. */
const maxPresentedAtOnce = 20;

export function makeReadEntity({ log, views }: { readonly log: EventLog; readonly views: Pick<Views, "present"> }): Reads["readEntity"] {
  /** A batch of the log is small in bytes, but telling the deliveries of its events may take long: so it is cut, and gives way between its parts. */
  async function* presented(batch: readonly StoredEvent[]): AsyncGenerator<EventView, void> {
    const turns = makeTurns();
    let size = 1; // the first event says how long such events take
    for (let at = 0; at < batch.length; at += size) {
      if (at > 0) size = turns.due() ? 1 : Math.min(size * 2, maxPresentedAtOnce);
      if (turns.due()) await turns.next();
      yield* views.present(batch.slice(at, at + size));
    }
  }

  return async (entity, options = {}) => {
    const { from, limit = 100, direction = "forward" } = options;
    const stream = streamName(callerOf(options).tenant, entity);
    const end = await log.streamRevision(stream);
    const revision = end === endedForGood ? -1 : end;
    return onePage(async () => {
      const room = makePageRoom();
      const events: EventView[] = [];
      let full = false;
      reading: for await (const batch of log.readStream(stream, { direction, limit, ...(from === undefined ? {} : { from }) }))
        for await (const event of presented(batch)) {
          full = !room.takes(event);
          if (full) break reading;
          events.push(event);
        }
      const last = events.at(-1)?.revision;
      const step = direction === "forward" ? 1 : -1;
      const more = last !== undefined && (full || events.length === limit) && (step === 1 ? last < revision : last > 0);
      return { events, nextFrom: more ? last + step : null, revision };
    });
  };
}
