/** What a config may say of how long events are kept. */

/** How long the events of one entity type stay in the log. */
export interface RetentionDefinition {
  /** Events recorded longer ago than so many days may go. May be a fraction; more than 0. Either this or `after`. */
  readonly afterDays?: number;
  /** The same as a text: "36h", "90d", "45m", "30s", "2w". */
  readonly after?: string;
  /** The last so many events of each entity stay, however old they are. Default: 0. */
  readonly keepLast?: number;
  /** Where events go before they leave the log: "file:/srv/archive", "s3://bucket/prefix". */
  readonly archive: string;
}

/** By entity type. A type that is not named keeps all its events. */
export type RetentionDefinitions = Readonly<Record<string, RetentionDefinition>>;

/** Credentials for archives in a bucket. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of credentials that are lent for a while. */
  readonly sessionToken?: string;
}

/** Gives credentials, as often as it is asked: a minute at most after the last time, and at once when they were refused. */
export type ArchiveCredentials = () => S3Credentials | Promise<S3Credentials>;

/** When runs begin by themselves, and how fast they go. */
export interface RetentionPace {
  /** From one run to the next. Default: an hour; the first comes five minutes after the start. */
  readonly everyMs?: number;
  /** Events that a run beside live work archives and removes each second, at most. Default: 1,000, which live work does not notice. */
  readonly eventsPerSecond?: number;
}

/** A rule as it is worked with. */
export interface RetentionRule {
  readonly entityType: string;
  readonly afterMs: number;
  readonly keepLast: number;
  readonly archive: string;
}

export const defaultRetentionPace: Required<RetentionPace> = { everyMs: 3_600_000, eventsPerSecond: 1000 };

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;
/** A hundred years: the time of an event minus a rule's stays a time. */
export const longestRetentionMs = 36_500 * unitMs.d;

/** "36h" in milliseconds; null for another text. */
export function retentionMs(text: string): number | null {
  const [, count, unit] = /^(\d{1,9}(?:\.\d{1,9})?)(s|m|h|d|w)$/.exec(text) ?? [];
  return count === undefined ? null : Math.round(Number(count) * unitMs[unit as keyof typeof unitMs]);
}

export const daysMs = (days: number): number => Math.round(days * unitMs.d);
