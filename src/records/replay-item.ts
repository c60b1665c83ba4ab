export interface ReplayItem {
  readonly handler: string;
  readonly lane: string;
  readonly revision: number;
  readonly at: string;
  readonly eventId: string;
  /** The letter's attempts when it was chosen: another number means it changed since. 0 for a delivery of the replay's own. */
  readonly attempts: number;
  /** Last revision that the lane held back when it was chosen: what it releases stays on the replay's pace up to there. */
  readonly through?: number;
}
