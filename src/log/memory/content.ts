/** What a log in memory holds, and how it changes. Everything is synchronous: an append is all or nothing because nothing runs in between. */
import { RepriseError } from "../../errors.ts";
import { toIso } from "../../event/clock.ts";
import type { Json, StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";
import { newId } from "../../event/ids.ts";
import { logStream, parseStreamName } from "../../event/names.ts";
import { checkRevision, type EncodedAppend, encodeAppend, sameContent, tenantOf } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import type { RecordClock } from "../record-clock.ts";

interface MemoryStream {
  events: StoredEvent[];
  revision: number;
}

export interface Content {
  readonly logId: string;
  /** Index = position − 1; null: truncated, its position stays taken. */
  readonly slots: (StoredEvent | null)[];
  readonly streams: Map<string, MemoryStream>;
  /** By `<tenant>\n<id>`. */
  readonly ids: Map<string, StoredEvent>;
  lastMs: number;
}

export function makeContent(logId: string, recordClock: RecordClock): Content {
  const content: Content = { logId, slots: [], streams: new Map(), ids: new Map(), lastMs: 0 };
  const created = {
    ...{ id: newId(), type: "log.created", schemaVersion: 1, source: null, occurredAt: null, data: { logId } },
    metadata: { priority: "normal" },
  } as const;
  appendTo(content, encodeAppend(logStream, [created], "none"), recordClock);
  return content;
}

/** @throws as `EventLog.append` does. */
export function appendTo(content: Content, append: EncodedAppend, recordClock: RecordClock): readonly AppendedEvent[] {
  const { slots, streams, ids } = content;
  const { stream, tenant, events, expected, recordedAt } = append;
  const duplicates = duplicatesOf(content, append);
  if (duplicates !== null) return duplicates;
  const place = streams.get(stream) ?? { events: [], revision: -1 };
  checkRevision(stream, expected, place.revision);
  streams.set(stream, place);
  if (recordedAt === null) content.lastMs = recordClock.next(content.lastMs);
  return events.map(({ event, data, metadata }, index) => {
    if (recordedAt !== null) content.lastMs = Date.parse(recordedAt[index]!);
    const { id, type, schemaVersion, source, occurredAt } = event;
    const stored = freezeDeep<StoredEvent>({
      ...{ id, type, schemaVersion, source, occurredAt, stream, tenant },
      data: JSON.parse(data) as Json,
      metadata: JSON.parse(metadata) as StoredEvent["metadata"],
      entity: parseStreamName(stream)!.entity,
      revision: ++place.revision,
      position: BigInt(slots.length + 1),
      recordedAt: recordedAt?.[index] ?? toIso(content.lastMs),
    });
    slots.push(stored);
    place.events.push(stored);
    ids.set(`${tenant}\n${id}`, stored);
    return answer(stored, false);
  });
}

/** @returns how many events it removed. */
export function truncate(content: Content, stream: string, before: number): number {
  const place = content.streams.get(stream);
  if (place === undefined) return 0;
  const gone = place.events.filter(({ revision }) => revision < before);
  for (const event of gone) {
    content.slots[Number(event.position) - 1] = null;
    content.ids.delete(`${tenantOf(stream)}\n${event.id}`);
  }
  place.events = place.events.filter(({ revision }) => revision >= before);
  return gone.length;
}

/** The answer to a repeat; null: none of the ids is known. @throws EVENT_ID_REUSED */
function duplicatesOf({ ids }: Content, { stream, tenant, events }: EncodedAppend): readonly AppendedEvent[] | null {
  const known = events.map(({ event }) => ids.get(`${tenant}\n${event.id}`));
  const repeated = known.filter((stored) => stored !== undefined);
  if (repeated.length === 0) return null;
  const same = known.every((stored, index) => stored?.stream === stream && sameContent({ ...stored, data: JSON.stringify(stored.data) }, events[index]!));
  if (same) return repeated.map((stored) => answer(stored, true));
  throw new RepriseError("EVENT_ID_REUSED", "Some of the event ids are known already, or with other content.", {
    fields: { eventIds: repeated.map(({ id }) => id) },
  });
}

function answer({ id, revision, position, recordedAt }: StoredEvent, duplicate: boolean): AppendedEvent {
  return { id, revision, position, recordedAt, duplicate };
}
