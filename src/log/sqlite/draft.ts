import { toIso } from "../../event/clock.ts";
import { checkRevision, type EncodedAppend } from "../append-rules.ts";
import type { AppendedEvent } from "../event-log.ts";
import type { LogDatabase } from "./database.ts";
import { duplicates } from "./duplicates.ts";
import type { GroupNeeds, Waiting } from "./group.ts";
import type { KnownEvent } from "./known-events.ts";
import type { StreamHead } from "./stream-heads.ts";

/** A stream as it will be after the group. */
interface DraftStream extends StreamHead {
  readonly name: string;
  readonly tenant: string;
}

/** An append that will be stored, from `revision` and `position` on. */
interface DraftAppend {
  readonly append: EncodedAppend;
  readonly stream: DraftStream;
  readonly revision: number;
  readonly position: number;
  /** Position of the event before its first one in the stream, 0 for none. */
  readonly previous: number;
}

/** The changes that a group will make. */
export interface Draft {
  readonly db: LogDatabase;
  readonly recordedAtMs: number;
  readonly recordedAt: string;
  readonly streams: Map<string, DraftStream>;
  /** Heads of the streams that were not in memory. */
  readonly heads: ReadonlyMap<string, StreamHead>;
  /** Stored events with ids of the group, by tenant and id. */
  readonly stored: ReadonlyMap<string, KnownEvent>;
  /** Events that the group adds and that may be repeated, by tenant and id; null while each id was greater than all before it: then none is a repeat. */
  added: Map<string, DraftAppend> | null;
  greatestId: string;
  readonly appends: DraftAppend[];
  nextPosition: number;
}

export function makeDraft({ connection, recordClock }: GroupNeeds, group: readonly Waiting[]): Draft {
  const db = connection.forWrite();
  const recordedAtMs = recordClock.next(db.end.lastRecordedAtMs);
  const ids = group.flatMap(({ append }) => (append.idsAreNew ? [] : append.ids));
  const look = () => ({ known: db.knownEvents(ids), heads: db.streamHeads(group.map(({ append }) => append.stream)) });
  const { known, heads } = explaining(db, look);
  const stored = new Map(known.map((event) => [knownKey(event.tenant, event.id), event]));
  return {
    db,
    recordedAtMs,
    recordedAt: toIso(recordedAtMs),
    streams: new Map(),
    heads,
    stored,
    added: null,
    greatestId: "",
    appends: [],
    nextPosition: db.end.lastPosition + 1,
  };
}

function explaining<T>(db: LogDatabase, look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw db.explained(error);
  }
}

/** @throws REVISION_CONFLICT, EVENT_ID_REUSED. Then the draft is as before. */
export function draftAppend(draft: Draft, append: EncodedAppend): readonly AppendedEvent[] {
  const { stream: name, tenant, ids, idsAreNew, expected } = append;
  if (!idsAreNew && (draft.stored.size > 0 || !areGreater(ids, draft.greatestId))) {
    const added = (draft.added ??= addedBy(draft.appends));
    const known = ids.flatMap((id) => {
      const key = knownKey(tenant, id);
      return draft.stored.get(key) ?? draft.stored.get(knownKey(nobody, id)) ?? knownOf(draft, added.get(key), id) ?? [];
    });
    if (known.length > 0) return duplicates(draft.db, append, known);
  }
  const stream = draft.streams.get(name) ?? asDrafted(name, tenant, draft.heads.get(name) ?? draft.db.streamHead(name));
  checkRevision(name, expected, stream.head);
  draft.streams.set(name, stream);
  const revision = stream.head + 1;
  const position = draft.nextPosition;
  const drafted = { append, stream, revision, position, previous: stream.position };
  draft.appends.push(drafted);
  stream.head += ids.length;
  draft.nextPosition += ids.length;
  stream.position = draft.nextPosition - 1;
  if (!idsAreNew) noteIds(draft, drafted);
  if (ids.length === 1) return [appendedAt(draft, drafted, 0)];
  return ids.map((_, i) => appendedAt(draft, drafted, i));
}

function appendedAt(draft: Draft, { append, revision, position }: DraftAppend, i: number): AppendedEvent {
  const recordedAt = append.recordedAt?.[i] ?? draft.recordedAt;
  return { id: append.ids[i]!, revision: revision + i, position: BigInt(position + i), recordedAt, duplicate: false };
}

function asDrafted(name: string, tenant: string, { id, head, position }: StreamHead): DraftStream {
  return { name, tenant, id, head, position };
}

function areGreater(ids: readonly string[], than: string): boolean {
  for (const id of ids) if (id <= than) return false;
  return true;
}

function addedBy(appends: readonly DraftAppend[]): Map<string, DraftAppend> {
  const added = new Map<string, DraftAppend>();
  for (const drafted of appends) if (!drafted.append.idsAreNew) addIds(added, drafted);
  return added;
}

function addIds(added: Map<string, DraftAppend>, drafted: DraftAppend): void {
  for (const id of drafted.append.ids) added.set(knownKey(drafted.append.tenant, id), drafted);
}

function noteIds(draft: Draft, drafted: DraftAppend): void {
  for (const id of drafted.append.ids) if (id > draft.greatestId) draft.greatestId = id;
  if (draft.added !== null) addIds(draft.added, drafted);
}

/** An event of an earlier append in the same group, in the form in which the log will have it. */
function knownOf(draft: Draft, drafted: DraftAppend | undefined, id: string): KnownEvent | undefined {
  if (drafted === undefined) return undefined;
  const { append, revision, position } = drafted;
  const i = append.ids.indexOf(id);
  const {
    event: { type, schemaVersion },
    data,
  } = append.events[i]!;
  const { stream, tenant } = append;
  const recordedAtMs = recordedAtMsOf(draft, append, i);
  return { id, damage: null, tenant, stream, revision: revision + i, position: position + i, type, schemaVersion, recordedAtMs, data, large: null };
}

/** The recorded time of the event at this place of the append: the group's time, unless a copy names one. */
export function recordedAtMsOf({ recordedAtMs }: Draft, { recordedAt }: EncodedAppend, index: number): number {
  return recordedAt === null ? recordedAtMs : Date.parse(recordedAt[index]!);
}

/** The tenant of a damaged event of which nothing tells whose it was: it may be anybody's. */
const nobody = "";
const knownKey = (tenant: string, id: string) => `${tenant}\n${id}`;
