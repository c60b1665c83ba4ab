import type { NewEvent, Position, StoredEvent } from "../event/event.ts";

/** `"none"`: the stream must not exist yet; `"any"`: wherever it is; a number: its last event's revision. */
export type ExpectedRevision = number | "none" | "any";

/** Encoded bytes of one append to one stream; the same for all adapters, so that a log can be copied between them. */
export const maxAppendBytes = 960_000;
export const maxAppendEvents = 1000;

export interface AppendedEvent {
  readonly id: string;
  readonly revision: number;
  /**
   * The event's own place, or, for all events of the append, that of its last one: a server's answer names no other, and finding out the others
   * costs a read as large as the append. As an append is all or none, both mean the same to whoever waits for a view to reach it; where each event
   * stands, reads and `findByIds` say. Of a duplicate: its own place.
   */
  readonly position: Position;
  readonly recordedAt: string;
  /** The id was stored before, with the same content: this is where. */
  readonly duplicate: boolean;
}

/** Of an append that copies what another log has recorded. Nothing else uses it: what is new is recorded now. */
export interface RecordedBefore {
  /** RFC 3339 UTC with milliseconds, for each event: kept as they are, in place of this log's clock. */
  readonly recordedAt: readonly string[];
}

export interface ReadStreamOptions {
  /** First revision wanted (forward: default 0) or the revision to go down from (backward: default the last). */
  readonly from?: number;
  readonly direction?: "forward" | "backward";
  /** At most so many events in all. */
  readonly limit?: number;
  /** Damaged events of one of Reprise's own streams come like an entity's; default: they are LOG_DAMAGED, since what such a stream tells is told whole or not at all. */
  readonly damaged?: "given";
  readonly signal?: AbortSignal;
}

/** Either types or stream prefixes: what an EventStoreDB server filters by. Without it every event. */
export type EventFilter = { readonly types: readonly string[] } | { readonly streamPrefixes: readonly string[] };

export interface ReadAllOptions {
  /** Forward: events beyond this position (default 0: from the first). Backward: events before it (default: from the last). */
  readonly after?: Position;
  readonly direction?: "forward" | "backward";
  readonly filter?: EventFilter;
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Exclusive: the last position already handled; 0 for all. */
  readonly after: Position;
  readonly filter?: EventFilter;
  /**
   * Of which streams the events' data is needed; default: of all. Data of others may be null: a log that reads and parses it only for this spares itself
   * the work, which for large payloads is most of a read.
   */
  readonly dataOf?: (stream: string) => boolean;
  /** Ends the subscription: the iteration returns, without an error. */
  readonly signal: AbortSignal;
}

export interface SubscriptionBatch {
  /** In log order; empty when only `position` or `live` is news. */
  readonly events: readonly StoredEvent[];
  /** About how many bytes their data and metadata take. */
  readonly bytes: number;
  /** Everything up to here has been looked at: matching events at or below it were handed on. */
  readonly position: Position;
  /** At the end of the log when this batch was read. */
  readonly live: boolean;
}

/** The last revision of a stream that can never be written again: nothing of it is left, and nothing of it will come. */
export const endedForGood = Number.MAX_SAFE_INTEGER - 1;

/** The append-only log. Every adapter passes `test/contract/event-log.ts`; read it for the exact promises. */
export interface EventLog {
  /** UUID written into `reprise.log` when the log was created; views and snapshots carry it. */
  readonly logId: string;

  /**
   * Appends `events` to one stream, all or none, durably: when the promise resolves they survive a killed machine.
   * Ids are checked before the revision. All ids known in this stream with equal type, version and data: nothing is stored, and each
   * answers with its first revision and `duplicate: true`, so a repeat after an unclear failure is safe.
   *
   * @param events 1 to 1000, in order, at most `maxAppendBytes` encoded.
   * @param before only for a copy.
   * @throws REVISION_CONFLICT `{ expected, actual }` when the stream is elsewhere; `actual` is −1 for no stream.
   * @throws EVENT_ID_REUSED when some ids are known, or known with other content or in another stream of the tenant.
   * @throws APPEND_TOO_LARGE, LOG_FULL (no room; nothing stored), LOG_UNAVAILABLE (unclear; safe to repeat), CLOSED.
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision, before?: RecordedBefore): Promise<readonly AppendedEvent[]>;

  /**
   * The events of one tenant with these ids, in no order; ids that are not there are left out. At most 1000 ids.
   *
   * @param enoughBytes only the first of them in the order of the ids, until their data has so many bytes (about; one event at least): those that are
   *   left out beyond the last one are asked for again.
   */
  findByIds(tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]>;

  /** One stream in batches, by revision. Memory stays flat; nothing stays open between batches. An unknown stream gives none. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<readonly StoredEvent[]>;

  /** The whole log in batches, by position. */
  readAll(options?: ReadAllOptions): AsyncIterable<readonly StoredEvent[]>;

  /** Catch-up, then live, without gap or duplicate. Never ends by itself; a consumer that is slow only falls behind. */
  subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionBatch>;

  /**
   * Revision of the stream's last event, also when the log shows it no more, since it was truncated, deleted or expired; −1 for a stream that never was,
   * `endedForGood` for one that another program has closed for ever.
   */
  streamRevision(stream: string): Promise<number>;

  /** Removes the stream's events below `before`. Revisions of the rest stay. */
  truncate(stream: string, before: number): Promise<void>;

  /** Position of the last event; 0 for an empty log. */
  head(): Promise<Position>;

  /** Why an append would be refused or nothing is handed on just now, as far as that was noticed; null while all works. */
  trouble?(): string | null;

  /** What an operator should look at although appends and reads go on, a sentence each. */
  warnings?(): readonly string[];

  /** Finds out whether an append would be taken, by the smallest write of its kind that leaves no event. @throws as `append` does. */
  probe?(): Promise<void>;

  /** Of a log that several processes may write at once: signs of life, by which one sees that another is gone. They are no events of the log. */
  readonly beats?: Beats;

  /** Of a log elsewhere: events of other programs in this log's streams that could not be decoded, counted each time one was passed over. */
  readonly passedOver?: number;

  /** Ends all subscriptions and reads, lets appends in progress finish, and frees the log. May be called twice. */
  close(): Promise<void>;
}

export interface Beats {
  /** Stores a sign of life. Not repeated: the next one comes soon. @throws LOG_UNAVAILABLE */
  beat(who: string): Promise<void>;
  /** Grows with each sign of life; −1: there is none. @throws LOG_UNAVAILABLE */
  last(who: string): Promise<number>;
}

/** A log as tools read it that must not change it. */
export type ReadOnlyLog = Pick<EventLog, "logId" | "readAll" | "head" | "passedOver" | "close">;
