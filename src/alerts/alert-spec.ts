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

export const isLasting = (when: AlertKind): boolean => lasting.has(when);
