/**
 * The events of `reprise.alert-<name>`: what an alert fired and resolved, and what of that its receiver was told. Each has the whole state after it, so that the
 * last one is enough. Stored formats: they only ever grow.
 */

/** Something that an alert has fired about, and not resolved. */
export interface FiringAlert {
  /** A handler or an integration; empty: the alert is about all of them together. */
  readonly subject: string;
  /** RFC 3339 UTC. */
  readonly since: string;
}

/** What the receiver of an alert is to be told. */
export interface AlertNotice {
  /** UUID: the id of the webhook, the same each time that it is sent. */
  readonly id: string;
  readonly status: "fired" | "resolved";
  readonly subject: string;
  /** What was measured. */
  readonly value: number;
  readonly at: string;
  /** When it fired. */
  readonly since: string;
  /** The process that tells it, unless that one has ended. */
  readonly by: string;
}

export interface AlertState {
  readonly firing: readonly FiringAlert[];
  /** Oldest first, a limited number. */
  readonly untold: readonly AlertNotice[];
}

export interface AlertStreamData {
  /** What has just changed, and the state after it. */
  "alert.changed": AlertState & { readonly changed: readonly AlertNotice[] };
  /** The receiver has it. */
  "alert.told": AlertState & { readonly told: string };
}

export type AlertEventType = keyof AlertStreamData;
export type AlertEvent = { readonly [T in AlertEventType]: { readonly type: T; readonly data: AlertStreamData[T] } }[AlertEventType];
