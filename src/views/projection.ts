/** The shape of every projection: its tables, and the changes that one entry of the log makes to them. */
import type { StoredEvent } from "../event/event.ts";
import { abridgedStream, errorGroupsStream, handlerStream, isEntityStream, planStream, replayStream, retentionStream } from "../event/names.ts";
import { type Abridged, abridgedType } from "../log/abridged/abridgement.ts";
import type { RowBuffer } from "../log/row-buffer.ts";
import type { ErrorGroupStreamData } from "../records/error-groups.ts";
import type { HandlerStreamData } from "../records/handler.ts";
import type { JournalEvent } from "../records/journal.ts";
import type { PlanStreamData } from "../records/plan.ts";
import type { ReplayStreamData } from "../records/replay.ts";
import type { RetentionStreamData } from "../records/retention.ts";
import type { ViewDatabase } from "./database.ts";
import type { EntityKey } from "./entity-cache.ts";
import { entityOfEvent } from "./entity-keys.ts";
import type { PartitionPlace } from "./journal-owners.ts";
import type { DeliveryCounts } from "./projections/delivery-counts.ts";
import type { JournalsRead } from "./projections/journals-read.ts";
import type { LaneRows } from "./projections/lane-row.ts";
import type { LetterCounts } from "./projections/letter-counts.ts";
import type { MinuteCounts } from "./projections/minute-counts.ts";
import type { TypeCounts } from "./projections/type-counts.ts";
import type { TypeSets } from "./projections/type-sets.ts";

type EntryOf<D> = { readonly [T in keyof D]: { readonly type: T; readonly data: D[T] } }[keyof D];

/** One entry of the log, by the kind of its stream. */
export type Entry =
  | { readonly kind: "event"; readonly event: StoredEvent; readonly entity: EntityKey }
  | { readonly kind: "journal"; readonly event: StoredEvent; readonly handler: string; readonly place: PartitionPlace; readonly entry: JournalEvent }
  | { readonly kind: "handler"; readonly event: StoredEvent; readonly handler: string; readonly entry: EntryOf<HandlerStreamData> }
  | { readonly kind: "retention"; readonly event: StoredEvent; readonly entry: EntryOf<RetentionStreamData> }
  | { readonly kind: "abridged"; readonly event: StoredEvent; readonly handler: string; readonly place: PartitionPlace; readonly abridged: Abridged }
  | { readonly kind: "error_groups"; readonly event: StoredEvent; readonly entry: EntryOf<ErrorGroupStreamData> }
  | { readonly kind: "plan"; readonly event: StoredEvent; readonly entry: EntryOf<PlanStreamData> }
  | { readonly kind: "replay"; readonly event: StoredEvent; readonly replayId: string; readonly entry: EntryOf<ReplayStreamData> };

export interface Folding {
  readonly db: ViewDatabase;
  /** Call it when rows of `handler_types` changed: see `refreshWanted`. */
  wantedChanged(): void;
  readonly latest: Latest;
  /** How many dead letters more its lane has by the entry that is folded: −1, 0 or 1. */
  lettersOfLane: number;
}

/** Values that a transaction writes once, at its end, however often they change meanwhile. */
export interface Latest {
  /** Of the table `events`. */
  readonly events: RowBuffer;
  /** Those with something pending. */
  readonly entities: EntityKey[];
  /** How many events more there are. */
  readonly types: TypeCounts;
  readonly typeSets: TypeSets;
  /** By minute: the first and the last position. */
  readonly minutes: Map<number, { readonly first: number; last: number }>;
  readonly minuteCounts: MinuteCounts;
  readonly deliveries: DeliveryCounts;
  readonly letters: LetterCounts;
  readonly lanes: LaneRows;
  readonly journals: JournalsRead;
}

export type EntryKind = Entry["kind"];
export const entryKinds = ["event", "journal", "handler", "retention", "abridged", "error_groups", "plan", "replay"] as const satisfies readonly EntryKind[];

/** What is alike in all projections. */
interface ProjectionTables {
  /** `create table` and `create index`. A change to any needs a new `formatVersion` in store-file.ts. */
  readonly tables: string;
  /** At the end of the transaction: writes what `apply` left in `latest`. */
  settle?(folding: Folding): void;
}

/** A projection, whatever it takes. */
export interface AnyProjection extends ProjectionTables {
  readonly takes: readonly EntryKind[];
  apply(folding: Folding, entry: Entry): void;
}

/** Each sees only the kinds that it takes: an event goes to four of them, and V8 compiles each for what it gets. */
export interface Projection<K extends EntryKind> extends ProjectionTables {
  readonly takes: readonly K[];
  /** Runs within the transaction of its batch. It ignores types that it does not know. */
  apply(folding: Folding, entry: Extract<Entry, { readonly kind: K }>): void;
}

/** The last time that was read: events of one commit share theirs. */
let recorded = { at: "", ms: Number.NaN };

/** When the event was recorded, in milliseconds since 1970. */
export function recordedMsOf({ recordedAt }: StoredEvent): number {
  if (recorded.at !== recordedAt) recorded = { at: recordedAt, ms: Date.parse(recordedAt) };
  return recorded.ms;
}

const handlerPrefix = handlerStream("");
const replayPrefix = replayStream("");
const planPrefix = planStream("");

/** @returns null for what no view shows: streams of the server or of nobody, and `reprise.log`. */
export function toEntry(db: ViewDatabase, event: StoredEvent): Entry | null {
  const { stream, damage } = event;
  // One of Reprise's own says nothing then; of an entity's its place is known, which keeps it in the lists.
  if (damage !== undefined && (event.revision < 0 || !isEntityStream(stream))) return null;
  const known = db.entities.get(stream);
  if (known !== undefined || isEntityStream(stream)) return { kind: "event", event, entity: known ?? entityOfEvent(db, event) };
  if (event.source !== "reprise") return null; // another program's: it decides nothing
  const { type, data } = event;
  const entry = { type, data } as unknown;
  if (stream.startsWith(handlerPrefix))
    return { kind: "handler", event, handler: stream.slice(handlerPrefix.length), entry: entry as EntryOf<HandlerStreamData> };
  if (stream.startsWith(replayPrefix)) return { kind: "replay", event, replayId: stream.slice(replayPrefix.length), entry: entry as EntryOf<ReplayStreamData> };
  if (stream.startsWith(planPrefix)) return { kind: "plan", event, entry: entry as EntryOf<PlanStreamData> };
  if (stream === retentionStream) return { kind: "retention", event, entry: entry as EntryOf<RetentionStreamData> };
  if (stream === abridgedStream) return toAbridged(db, event);
  if (stream === errorGroupsStream) return { kind: "error_groups", event, entry: entry as EntryOf<ErrorGroupStreamData> };
  const owner = ownerOf(db, stream);
  return owner && { kind: "journal", event, handler: owner.handler, place: owner.place, entry: entry as JournalEvent };
}

/** Null: it is no journal. */
function ownerOf(db: ViewDatabase, journal: string) {
  return db.journals.of(journal, (first) => db.get<{ name: string }>("select name from handlers where journal = ?", first)?.name);
}

function toAbridged(db: ViewDatabase, event: StoredEvent): Entry | null {
  const abridged = event.data as unknown as Abridged;
  const owner = event.type === abridgedType ? ownerOf(db, abridged.journal) : null;
  return owner && { kind: "abridged", event, handler: owner.handler, place: owner.place, abridged };
}
