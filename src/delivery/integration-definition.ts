/** What handlers call, as a config defines it. */

export interface BreakerOptions {
  /** It opens when so many calls failed or timed out, 1 to 1000; default 5 … */
  readonly failures?: number;
  /** … within this time, 10 to 3600000; default 30000. */
  readonly withinMs?: number;
  /** How long it stays open before a call tries again, 10 to 300000; default 30000. Doubled each time that the trial fails, up to five minutes. */
  readonly coolDownMs?: number;
}

export interface IntegrationDefinition {
  /** `[a-z][a-z0-9-]{0,62}`, stable: its stream in the log is named after it. */
  readonly name: string;
  /** Calls at once, over all handlers that share it, 1 to 1000; default: as many as they have. */
  readonly concurrency?: number;
  /** False: it has none. Default: one with its default values. */
  readonly breaker?: BreakerOptions | boolean;
  /** Calls in a second, over all handlers that share it, 0.01 to 10000; default: no limit. */
  readonly rate?: { readonly perSecond: number };
}

/** Defines what handlers call and share. They name it as `integration`. */
export function defineIntegration(integration: IntegrationDefinition): IntegrationDefinition {
  return integration;
}
