import { isDeepStrictEqual } from "node:util";
import type { Json, NewEvent } from "../../event/event.ts";
import { eachEvent } from "../../log/each-event.ts";
import type { AppendedEvent, EventLog } from "../../log/event-log.ts";

/** Where an event of a request is stored already, and whether as what it is now. */
export interface Known {
  readonly stream: string;
  readonly appended: AppendedEvent;
  readonly same: boolean;
}

/** Those that the log holds, by id. Read and compared as they come: a thousand ids may name a gigabyte. @param events each id once. */
export async function readKnown(log: Pick<EventLog, "findByIds">, tenant: string, events: readonly NewEvent[]): Promise<ReadonlyMap<string, Known>> {
  const known = new Map<string, Known>();
  for await (const { row, event } of eachEvent(log, tenant, events, ({ id }) => id)) {
    if (event === undefined) continue;
    const { id, stream, revision, position, recordedAt } = event;
    known.set(id, { stream, appended: { id, revision, position, recordedAt, duplicate: true }, same: sameContent(event, row) });
  }
  return known;
}

/** Equal type, version and data; the order of members in an object says nothing. */
export function sameContent(a: NewEvent, b: NewEvent): boolean {
  return a.type === b.type && a.schemaVersion === b.schemaVersion && sameJson(a.data, b.data);
}

/** As it comes out of a log, without −0 and objects that have no prototype: as texts, which are as long whatever the order of members. */
function sameJson(a: Json, b: Json): boolean {
  const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
  return one === other || (one.length === other.length && isDeepStrictEqual(JSON.parse(one), JSON.parse(other)));
}
