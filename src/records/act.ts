/** Who decided, and why. */
export interface Act {
  /** The key's name, or `local`; `policy` where the retry policy decided. */
  readonly actor: string;
  readonly reason: string | null;
  readonly replayId?: string;
  readonly resolution?: "not_needed" | "done_by_hand";
  /** Of an amendment: the migration that made the data. */
  readonly migration?: string;
}
