/** A breaker and an integration as the config has checked them: defaults filled in. */

export interface BreakerRules {
  /** It opens at so many failures … */
  readonly failures: number;
  /** … within this time. */
  readonly withinMs: number;
  /** The first wait before a trial; doubled with each trial that fails, up to five minutes. */
  readonly coolDownMs: number;
}

export interface IntegrationSpec {
  readonly name: string;
  /** Calls at once, over all its handlers; null: as many as they have slots. */
  readonly concurrency: number | null;
  readonly breaker: BreakerRules | null;
  /** Calls a second; null: no limit. */
  readonly perSecond: number | null;
}
