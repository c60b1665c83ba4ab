export interface ReplayItem {
  readonly handler: string;
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  /** The letter's attempts when it was chosen. If it has another number later, it has changed since. 0 for a delivery of the replay's own. */
  readonly attempts: number;
  /** Last revision that the lane held back when the letter was chosen. Released events stay on the replay's pace up to there. */
  readonly through?: number;
}
