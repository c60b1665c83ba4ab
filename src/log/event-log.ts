import type { MessagePort } from "node:worker_threads";
import type { NewEvent, Position, StoredEvent } from "../event/event.ts";
import type { Beats } from "./beats.ts";

/** `"none"`: the stream must not exist yet; `"any"`: wherever it is; a number: its last event's revision. */
export type ExpectedRevision = number | "none" | "any";

/** Encoded bytes of one append to one stream; the same for all adapters, so that a log can be copied between them. */
export const maxAppendBytes = 960_000;
export const maxAppendEvents = 1000;

export interface AppendedEvent {
  readonly id: string;
  readonly revision: number;
  /**
   * The event's own position, or, for all events of the append, the position of its last one, because a server's answer names no other, and finding the
   * others costs a read as large as the append. An append is all or none, so either position serves whoever waits for a view to reach the event. Reads and
   * `findByIds` tell the position of each event. A duplicate has its own position.
   */
  readonly position: Position;
  readonly recordedAt: string;
  /** The id was stored before, with the same content, at this place. */
  readonly duplicate: boolean;
}

/** What its caller knows of an append. */
export interface AppendHow {
  /**
   * RFC 3339 UTC with milliseconds, for each event: stored as they are, in place of this log's time. Only for copies of events of another log, because new
   * events get the time of now.
   */
  readonly recordedAt?: readonly string[];
  /** The ids were made for this very append, so no stored event has them: a log that would have to look for them may leave it out. */
  readonly idsAreNew?: true;
}

export interface ReadStreamOptions {
  /** First revision wanted (forward: default 0) or the revision to go down from (backward: default the last). */
  readonly from?: number;
  readonly direction?: "forward" | "backward";
  /** At most so many events in all. */
  readonly limit?: number;
  /** Damaged events of Reprise's own streams come like an entity's. Default: they throw LOG_DAMAGED, because such a stream is of use only as a whole. */
  readonly damaged?: "given";
  readonly steps?: ReadSteps;
  readonly signal?: AbortSignal;
}

/**
 * `small`: for work that has time beside work that has none. Batches are small, so that neither reading one nor what is made of it holds the thread for long. A
 * log on a server reads so anyway, because events come as the network brings them.
 */
export type ReadSteps = "small";

/** Either types or stream prefixes, because an EventStoreDB server filters by one of them. Without a filter, every event. */
export type EventFilter = { readonly types: readonly string[] } | { readonly streamPrefixes: readonly string[] };

export interface ReadAllOptions {
  /** Forward: events beyond this position (default 0: from the first). Backward: events before it (default: from the last). */
  readonly after?: Position;
  readonly direction?: "forward" | "backward";
  readonly filter?: EventFilter;
  readonly limit?: number;
  readonly steps?: ReadSteps;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Exclusive: the last position already handled; 0 for all. */
  readonly after: Position;
  readonly filter?: EventFilter;
  /**
   * The streams whose events' data is needed; default: all. Data of other streams may be null, because a log may leave out reading and parsing it, which for
   * large payloads is most of a read.
   */
  readonly dataOf?: (stream: string) => boolean;
  /** Ends the subscription: the iteration returns, without an error. */
  readonly signal: AbortSignal;
}

export interface SubscriptionBatch {
  /** In log order; empty when only `position` or `live` has changed. */
  readonly events: readonly StoredEvent[];
  /** About how many bytes their data and metadata take. */
  readonly bytes: number;
  /** Everything up to here has been looked at: matching events at or below it were handed on. */
  readonly position: Position;
  /** At the end of the log when this batch was read. */
  readonly live: boolean;
}

/** A log that a second thread of this process can read, up to what the first one knows to be on the disk. */
export interface ReadableApart {
  /** What `openReadApart` takes. */
  readonly place: string;
  /** Position of the last event that may be read. */
  end(): Position;
  /** Calls `told` whenever the end may have moved, until the returned function is called. */
  onEnd(told: () => void): () => void;
  /** For `openReadApart`, in a thread that stays: the log has work for it that would hold up the first thread. */
  lend(): MessagePort;
}

/** Stands for the last revision of a stream that can never be written again. None of its events are left, and none will come. */
export const endedForGood = Number.MAX_SAFE_INTEGER - 1;

/** Everything of a stream below a revision. */
export interface StreamCut {
  readonly stream: string;
  readonly before: number;
}

/** How work beside live work goes. */
export interface RestOptions {
  /** Awaited between two small steps. @param done events that the step removed, or whose removal is as much work. */
  readonly rest?: (done: number) => Promise<void>;
  /** Ends it between two steps: what is done stays done. */
  readonly signal?: AbortSignal;
}

export interface CutOptions extends RestOptions {
  /** The events lie beyond `after`, up to `through`: the log may walk there once, in its own order, which is cheaper than one stream after another. */
  readonly after: Position;
  readonly through: Position;
}

/** What became of the room of removed events. */
export interface FreedRoom {
  /** Given back to the file system. */
  readonly bytes: number;
  /** What is still to be done for the rest, and by whom; null: nothing. */
  readonly owed: string | null;
}

/** A stream, from a revision on. */
export type StreamWanted = Readonly<{ stream: string; from: number }>;
/** What a stream had from there on, and what `streamRevision` told of it at that time. */
export type StreamRead = Readonly<{ head: number; events: readonly StoredEvent[] }>;

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
   * @throws REVISION_CONFLICT `{ expected, actual }` when the stream is elsewhere; `actual` is −1 for no stream.
   * @throws EVENT_ID_REUSED when some ids are known, or known with other content or in another stream of the tenant.
   * @throws APPEND_TOO_LARGE, LOG_FULL (no room; nothing stored), LOG_UNAVAILABLE (unclear; safe to repeat), CLOSED.
   */
  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision, how?: AppendHow): Promise<readonly AppendedEvent[]>;

  /**
   * The events of one tenant with these ids, in no order. Unknown ids are left out. At most 1000 ids.
   *
   * @param enoughBytes the read stops, in the order of the ids, when the data has about so many bytes (after one event at least). Ask again for the ids
   *   beyond the last event that came.
   */
  findByIds(tenant: string, ids: readonly string[], enoughBytes?: number): Promise<readonly StoredEvent[]>;

  /** One stream in batches, by revision. Memory stays flat; nothing stays open between batches. An unknown stream gives none. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<readonly StoredEvent[]>;

  /** The whole log in batches, by position. */
  readAll(options?: ReadAllOptions): AsyncIterable<readonly StoredEvent[]>;

  /** Catch-up, then live, without gap or duplicate. Never ends by itself; a consumer that is slow only falls behind. */
  subscribe(options: SubscribeOptions): AsyncIterable<SubscriptionBatch>;

  /**
   * Revision of the stream's last event, even when the log no longer shows it, because it was truncated, deleted or expired; −1 for a stream that never was,
   * `endedForGood` for one that another program has closed for ever.
   */
  streamRevision(stream: string): Promise<number>;

  /**
   * Removes the stream's events below `before`. Revisions of the rest stay.
   *
   * @param still `shown`: reads of the whole log may show the events until the log's files are cleaned, and reads of the stream its last one. For many small
   *   streams, because a server that hides an event at once keeps a list of such streams.
   */
  truncate(stream: string, before: number, still?: "shown"): Promise<void>;

  /**
   * The same for many streams, in small steps. Events that lie elsewhere than `options` say go, too. Ended early, each stream has lost only a beginning of what
   * it should lose, so it may be called again.
   */
  truncateStreams(cuts: readonly StreamCut[], options: CutOptions): Promise<void>;

  /**
   * Gives the room of removed events back to the file system, in small steps, as far as the log can.
   *
   * @param options `writeAgain`: not beside live work; where small steps cannot do it, the log is written again as a whole.
   */
  freeRoom(options?: RestOptions & { readonly writeAgain?: boolean }): Promise<FreedRoom>;

  /** Position of the last event; 0 for an empty log. */
  head(): Promise<Position>;

  /** Why an append would be refused, or why no events are handed on just now, as far as the log has noticed; null while all works. */
  trouble?(): string | null;

  /** Warnings for an operator while appends and reads go on, a sentence each. */
  warnings?(): readonly string[];

  /** Finds out whether an append would be taken, by the smallest write of its kind that leaves no event. @throws as `append` does. */
  probe?(): Promise<void>;

  /** Present when several processes may write the log at once: signs of life, by which one sees that another is gone. They are no events of the log. */
  readonly beats?: Beats;

  /** Present when a second thread of this process can read the log by itself: see read-apart.ts. */
  readonly apart?: ReadableApart;

  /** Whether `findByIds` of many events takes less than reading the stream of each. */
  readonly findsManyAtOnce?: boolean;

  /**
   * Present where several streams together take less than one after another. As much as one batch has, in the order of `wanted`: streams behind that are left out,
   * and the last one that came, and it alone, may have more events than it gave. The first one gives at least one of those that it has.
   *
   * @param wanted different streams, of entities. @param limit at most so many events of each.
   */
  readStreams?(wanted: readonly StreamWanted[], limit: number): Promise<readonly StreamRead[]>;

  /** For a log on a server: events of other programs in this log's streams that could not be decoded, counted each time one was passed over. */
  readonly passedOver?: number;

  /** Ends all subscriptions and reads, lets appends in progress finish, and frees the log. May be called twice. */
  close(): Promise<void>;
}

/** A log for tools that read it and must not change it. */
export type ReadOnlyLog = Pick<EventLog, "logId" | "readAll" | "readStream" | "head" | "passedOver" | "close">;
