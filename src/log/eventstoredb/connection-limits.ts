export interface ConnectionLimits {
  /** When calls have waited so long and nothing at all has arrived, other clients are tried. */
  readonly stallMs: number;
  /** The time in which a client under trial has to find its node and to read an event. */
  readonly trialMs: number;
  /** The wait between two trials, and between two replacements: it doubles from the first to the last. */
  readonly repeatDelayMs: number;
  readonly maxTrialDelayMs: number;
}
