export interface ConnectionLimits {
  /** Calls that wait while nothing at all arrives: after so long other clients are tried. */
  readonly stallMs: number;
  /** How long one that is tried may take to find its node and to read an event. */
  readonly trialMs: number;
  /** Between two trials, and between two replacements: the first wait, doubling to the last. */
  readonly repeatDelayMs: number;
  readonly maxTrialDelayMs: number;
}
