/** The events of `reprise.integration-<name>`: what its breaker did, and what operators did to it. Stored formats: they only ever grow. */
import type { Act } from "./act.ts";

export interface IntegrationStreamData {
  /** Too many calls failed, or the trial did: nothing is called before `until`, which was `waitMs` away. `coolDownMs`: the wait after the next failed trial is twice that. */
  "integration.opened": { readonly until: string; readonly waitMs: number; readonly coolDownMs: number };
  /** The trial went well. */
  "integration.closed": Record<string, never>;
  /** Where several instances share the log: the one trial is `by`'s, the id of a process, from then on. */
  "integration.trial_begun": { readonly by: string };
  /** It came to nothing: nothing was called, or the call said nothing about the integration. */
  "integration.trial_ended": { readonly by: string };
  /** The receiver asked to be left alone until then. It says nothing about the breaker. */
  "integration.gated": { readonly until: string; readonly waitMs: number };
  /** An operator's act: nothing is called until it is reset. */
  "integration.isolated": { readonly act: Act };
  /** An operator's act: closed, and all failures are forgotten. */
  "integration.reset": { readonly act: Act };
}

export type IntegrationEventType = keyof IntegrationStreamData;
export type IntegrationEvent = { readonly [T in IntegrationEventType]: { readonly type: T; readonly data: IntegrationStreamData[T] } }[IntegrationEventType];
