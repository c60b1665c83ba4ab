/** One thing that `reprise status` says. */
export interface Matter {
  readonly kind: "not_ready" | "warning" | "handler" | "dead_letters" | "lanes" | "replay" | "integration" | "escalations" | "error_groups";
  /** Something has to be done about it; false: it goes on by itself. */
  readonly wrong: boolean;
  readonly handler: string | null;
  readonly count: number | null;
  readonly found: string;
  /** A command line, to be typed as it stands. */
  readonly next: string;
}
