/** The events of `reprise.retention`: what left the log, when, why and where to. Stored formats: they only ever grow. */

/** A stream's events from `first` to `before` − 1. With them went the stream's last event: its position and time. */
export type ArchivedRange = readonly [stream: string, first: number, before: number, position?: string, recordedAt?: string];

type CountByTenant = Readonly<Record<string, number>>;

export interface RetentionStreamData {
  /** A run begins, and whoever ran before it is out. `before`: events recorded up to then may go. */
  "retention.begun": {
    readonly runId: string;
    /** Id of the process. */
    readonly life: string;
    readonly actor: string;
    readonly reason: string | null;
    readonly rules: readonly { readonly entityType: string; readonly before: string; readonly keepLast: number; readonly archive: string }[];
  };
  /** These events are in the archive, read back and compared. Now they are removed, whatever happens: a process that dies meanwhile leaves it to the next run. */
  "retention.archived": {
    readonly runId: string;
    readonly archive: string;
    readonly segment: string;
    /** Among which positions they lie. */
    readonly after: string;
    readonly through: string;
    readonly streams: readonly ArchivedRange[];
    /** How many of these events each handler on record wanted, all of them done, by tenant. The first builds did not say it. */
    readonly handlers?: Readonly<Record<string, CountByTenant>>;
    /** How many of them are of each type, for handlers that come later. */
    readonly types?: Readonly<Record<string, CountByTenant>>;
  };
  /** Everything recorded so far is removed. */
  "retention.removed": { readonly runId: string; readonly events: number };
  /** Streams of Reprise's own that nobody needs any more: plans and replays that ended, effects and journals' beginnings of what went. They are removed now. */
  "retention.forgotten": { readonly runId: string; readonly streams: readonly (readonly [stream: string, before: number])[] };
  "retention.ended": {
    readonly runId: string;
    readonly status: "completed" | "stopped" | "failed";
    readonly why: string | null;
    readonly archived: number;
    readonly held: number;
    readonly freedBytes: number;
    /** Where the next run may begin, as long as the rules are these. The first builds wrote only `scannedTo`: up to there, no event of any rule is left. */
    readonly scannedTo: string;
    readonly rules: string;
    readonly floors?: RetentionFloors;
  };
}

/** What the next run need not look at again. */
export interface RetentionFloors {
  /** By entity type. Of its events up to there, those that are left are of streams in `staying`, or stay because of the rule's `keepLast`. */
  readonly walked: Readonly<Record<string, string>>;
  /** Where the log ended when the run began. What `keepLast` keeps may go only after its stream got events beyond it. */
  readonly head: string;
  /** Streams with events that are old enough, and stay because something holds them. */
  readonly staying: readonly string[];
  /** By archive. Where it is missing, each segment may have something that the log has, too. */
  readonly segments?: Readonly<Record<string, OpenSegmentsOf>>;
}

/** What an archive has of events that the log still had when the run ended. */
export interface OpenSegmentsOf {
  /** The last segment that was there. */
  readonly through: string;
  /** Up to that one: segments with such events, and how many. */
  readonly open: readonly (readonly [segment: string, events: number])[];
}

/** The events of `reprise.archives`. */
export interface ArchivesStreamData {
  /** From now on events of this log may be in this archive. */
  "archive.used": { readonly url: string };
}
