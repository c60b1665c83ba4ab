/** What happened within one minute. */
export interface MinuteRates {
  /** When it began: RFC 3339 UTC. */
  readonly minute: string;
  /** Events appended. */
  readonly events: number;
  /** Calls of handlers that failed. */
  readonly failures: number;
  /** Dead letters, also again after a replay. */
  readonly deadLetters: number;
}

export interface Rates {
  /** The last 60 minutes, oldest first, by the log's times. It answers for the rows as they are now, without waiting. @param tenant `*`: of all tenants together. */
  lastHour(tenant: string): readonly MinuteRates[];
}
