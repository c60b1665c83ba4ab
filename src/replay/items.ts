/** The items of plans and replays, as their streams hold them: in parts, in the order in which they start. */

import type { NewEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { makeTurns } from "../event/turns.ts";
import { type AppendedEvent, maxAppendBytes } from "../log/event-log.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";

export const itemsPerPart = 500;

/** The items as events of the log, in parts. Members that the log does not need are left out. */
export async function partsOf(newId: NewId, items: readonly ReplayItem[]): Promise<readonly NewEvent[]> {
  const turns = makeTurns();
  const parts: NewEvent[] = [];
  for (let from = 0; from < items.length; from += itemsPerPart) {
    if (turns.due()) await turns.next();
    const part = items.slice(from, from + itemsPerPart).map(
      ({ handler, lane, revision, at, eventId, attempts, through }): ReplayItem => ({
        ...{ handler, lane, revision, at, eventId, attempts },
        ...(through === undefined ? {} : { through }),
      }),
    );
    parts.push(ownEvent(newId, "replay.items", { items: part } satisfies ReplayStreamData["replay.items"]));
  }
  return parts;
}

type Append = (stream: string, events: readonly NewEvent[], expected: number | "none") => Promise<Pick<AppendedEvent, "position" | "revision">>;

/** Appends in as few appends as their size allows, the first one to a stream that is not there yet. @returns position and revision of the last event. */
export async function appendAll(
  append: Append,
  stream: string,
  events: readonly NewEvent[],
): Promise<{ readonly position: bigint; readonly revision: number }> {
  let last = { position: 0n, revision: -1 };
  const turns = makeTurns();
  for (let from = 0; from < events.length; ) {
    let to = from;
    for (let bytes = 0; to < events.length; to++) {
      if (turns.due()) await turns.next();
      bytes += Buffer.byteLength(JSON.stringify(events[to]!.data)) + 1000;
      if (bytes > maxAppendBytes && to > from) break;
    }
    last = await append(stream, events.slice(from, to), last.revision === -1 ? "none" : last.revision);
    from = to;
  }
  return last;
}

/** Identity of a delivery within a replay, and of its lane. */
export const keyOf = ({ handler, lane, revision }: Pick<ReplayItem, "handler" | "lane" | "revision">): string => `${handler}\n${lane}\n${revision}`;
export const laneOf = ({ handler, lane }: Pick<ReplayItem, "handler" | "lane">): string => `${handler}\n${lane}`;
