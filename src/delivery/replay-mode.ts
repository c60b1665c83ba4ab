/** What a replay tells its deliveries. */
export interface ReplayMode {
  readonly mode: "run" | "dry_run";
  /** Whether `context.effect` answers with the effects that are on record, or runs them again. */
  readonly effects: "once" | "again";
}

/** The replay that a call belongs to, as the handler is told. */
export interface ReplayOfCall extends ReplayMode {
  readonly id: string;
  readonly reason: string | null;
}
