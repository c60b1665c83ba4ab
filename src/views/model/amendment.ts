import type { Change } from "../../event/changes.ts";
import type { Json } from "../../event/event.ts";

/** That a dead letter was given other data: by whom, and why. */
export interface AmendmentAct {
  readonly at: string;
  readonly actor: string;
  readonly reason: string | null;
  /** The migration that made the data; null: by hand. */
  readonly migration: string | null;
  readonly replayId: string | null;
}

/** The amendment in force. */
export interface AmendmentView extends AmendmentAct {
  /** The whole new stored data, of the event's stored type and version. */
  readonly data: Json;
  /** From what the log holds to `data`: the first 100. */
  readonly changes: readonly Change[];
  readonly changesTotal: number;
}
