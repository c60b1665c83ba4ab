import type { Entity, StoredEvent } from "../event/event.ts";
import { streamName } from "../event/names.ts";
import { makeTurns } from "../event/turns.ts";
import { type EventLog, endedForGood } from "../log/event-log.ts";
import { makePageRoom, onePage } from "../log/page-bytes.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { EventView } from "../views/model/event.ts";
import type { Views } from "../views/model/views.ts";
import { callerOf } from "./caller.ts";
import { type LeftLog, leftLog, readWhole } from "./read-whole.ts";

export interface ReadEntityOptions {
  readonly tenant?: string;
  /** Forward: the first revision, default 0. Backward: the revision to read down from, default the last one. */
  readonly from?: number;
  /** 1 to 1000, default 100. */
  readonly limit?: number;
  readonly direction?: "forward" | "backward";
  /** True: events that have left the log are read back from the archive, too. Default: only what the log has. */
  readonly archived?: boolean;
}

/** One page of an entity's events. */
export interface EntityPage {
  readonly events: readonly EventView[];
  /** Where the next page begins; null at the end. */
  readonly nextFrom: number | null;
  /** Of the entity's last event; −1 for an entity that has none. */
  readonly revision: number;
  /** What of the entity has left the log; null: nothing has. */
  readonly archived: LeftLog | null;
}

export interface Reads {
  /**
   * Reads one page of an entity's events from the log, by revision, lifted. An unknown entity has none.
   *
   * @throws ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED for an entity of which some events have left the log.
   */
  readEntity(entity: Entity, options?: ReadEntityOptions): Promise<EntityPage>;
}

/** Events that are presented together at most: each may have many deliveries to be told with it. */
const maxPresentedAtOnce = 20;

interface ReadEntityNeeds {
  readonly log: EventLog;
  readonly views: Pick<Views, "present">;
  readonly archives: Archives;
}

export function makeReadEntity({ log, views, archives }: ReadEntityNeeds): Reads["readEntity"] {
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
    const { from, limit = 100, direction = "forward", archived = false } = options;
    const stream = streamName(callerOf(options).tenant, entity);
    const end = await log.streamRevision(stream);
    const revision = end === endedForGood ? -1 : end;
    const left = await leftLog({ log, archives }, stream, revision);
    const whole = left !== null && (archived || left.restored);
    const first = left === null || whole ? 0 : left.before;
    const read = { direction, limit, ...(from === undefined ? {} : { from }) };
    return onePage(async () => {
      const room = makePageRoom();
      const events: EventView[] = [];
      let full = false;
      reading: for await (const batch of left !== null && whole ? readWhole({ log, archives }, stream, left, read) : log.readStream(stream, read))
        for await (const event of presented(batch)) {
          full = !room.takes(event);
          if (full) break reading;
          events.push(event);
        }
      const last = events.at(-1)?.revision;
      const step = direction === "forward" ? 1 : -1;
      const more = last !== undefined && (full || events.length === limit) && (step === 1 ? last < revision : last > first);
      return { events, nextFrom: more ? last + step : null, revision, archived: left?.restored ? null : left };
    });
  };
}
