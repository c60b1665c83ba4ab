/** An alert as it works: a definition with its defaults. */
import type { AlertDefinition, AlertKind } from "./alert-definition.ts";

export interface AlertSpec {
  readonly name: string;
  readonly when: AlertKind;
  readonly over: number;
  readonly withinMs: number;
  /** Null: of all. */
  readonly handler: string | null;
  readonly integration: string | null;
  readonly tenant: string | null;
  readonly quietMs: number;
  readonly definition: AlertDefinition;
}

/** The kinds that are a state, not a number: `over` is for how long it has to last, in seconds. */
const lasting: ReadonlySet<AlertKind> = new Set(["breaker_open", "handler_stopped", "log_down"]);
const limited: ReadonlySet<AlertKind> = new Set(["dead_letters", "dead_letter_rate", "oldest_dead_letter", "lag"]);

export const isLasting = (when: AlertKind): boolean => lasting.has(when);
/** It has to be told above which number. */
export const needsLimit = (when: AlertKind): boolean => limited.has(when);
