/** Who decided, and why. */
export interface Act {
  /** Name of the key, or `local`; `policy` when the retry policy decided. */
  readonly actor: string;
  readonly reason: string | null;
  /** The same each time the act comes, where it may come again: it came with an Idempotency-Key. A replay has it as its own id instead. */
  readonly id?: string;
  /** Of the question, where another instance than the owner was asked for the act. */
  readonly actId?: string;
  readonly replayId?: string;
  readonly resolution?: "not_needed" | "done_by_hand";
  /** The migration that made the data, for an amendment. */
  readonly migration?: string;
}
