/** An alert, as a config defines it. */

export const alertKinds = [
  "dead_letters",
  "dead_letter_rate",
  "oldest_dead_letter",
  "breaker_open",
  "escalation_due",
  "lag",
  "handler_stopped",
  "log_down",
] as const;

export type AlertKind = (typeof alertKinds)[number];

export interface AlertDefinition {
  /** What it is about; docs/failure.md has a table of them. */
  readonly when: AlertKind;
  /**
   * It fires above this: a number of dead letters (`dead_letters`, `dead_letter_rate`), or of seconds (`oldest_dead_letter`, `lag`). For the others, which need
   * not have it, seconds for which it has to last (`escalation_due`: to be due); default 0.
   */
  readonly over?: number;
  /** Of `dead_letter_rate`: dead letters of how long a time count, 1000 to 86400000; default 300000. */
  readonly withinMs?: number;
  /** Only of this handler. Not for `breaker_open` and `log_down`. */
  readonly handler?: string;
  /** Only of this integration: for `breaker_open`. */
  readonly integration?: string;
  /** Only of this tenant: for those about dead letters and decisions. Default: all tenants'. */
  readonly tenant?: string;
  /** How long all has to be well again before it is resolved, 0 to 3600000; default 5000. Longer for one that comes back again and again. */
  readonly quietMs?: number;
  /** `[a-z][a-z0-9-]{0,62}`, stable: its stream in the log is named after it. Default: made of `when` and what it is limited to. */
  readonly name?: string;
  /** http or https, without credentials. */
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64, or a list of them while one is exchanged for another: each signs. */
  readonly secret: string | readonly string[];
  /** Sent along, for instance `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}
