/** The envelope: what Reprise knows about an event beside its data. */

/** A value that JSON can hold. Data is kept exactly as it was sent. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What an event is about. Names: see names.ts. */
export interface Entity {
  readonly type: string;
  readonly id: string;
}

/** Place in the whole log, from 1; 0 is before the first event. It is used inside only: a user's code gets it as `PositionText`. */
export type Position = bigint;

/**
 * A position as users get it: decimal digits, as on the wire, so that JSON, databases and clones can hold it. Only its order has a meaning. Compare
 * positions with `comparePositions`, because "10" sorts before "9" as text.
 */
export type PositionText = `${bigint}`;

/** What Reprise takes as a position: a bigint from inside, or the text that a user was given. */
export type AnyPosition = Position | PositionText;

/** By way of a number where it holds the position: 9 ns, and 35 for a bigint, of the 160 that lifting a current event takes. Comparing bigints would take 3. */
export function positionText(position: AnyPosition): PositionText {
  if (typeof position !== "bigint") return position;
  const number = Number(position);
  return `${number <= Number.MAX_SAFE_INTEGER ? number : position}` as PositionText;
}

/** For `sort`, and for "is it later": below, at or above 0. Takes positions in either form. */
export function comparePositions(a: AnyPosition, b: AnyPosition): number {
  const [first, second] = [BigInt(a), BigInt(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

export const priorities = ["low", "normal", "high", "critical"] as const;
/** It decides which ready lane gets a slot first when slots are scarce. It never changes the order of events within a lane. */
export type Priority = (typeof priorities)[number];

/** A pointer to what an agent saw or used: a document, a trace, a conversation. */
export interface ContextRef {
  readonly kind: string;
  readonly ref: string;
}

export interface EventMetadata {
  readonly correlationId?: string;
  readonly causationId?: string;
  /** W3C trace context, kept as sent. */
  readonly traceparent?: string;
  /** Agent ids from the first cause to the writer, 1 to 32; the last one is the event's source. */
  readonly callChain?: readonly string[];
  readonly priority: Priority;
  readonly contextRefs?: readonly ContextRef[];
  /** CloudEvents attributes that Reprise does not know, kept and sent on. */
  readonly extensions?: Readonly<Record<string, string | number | boolean>>;
}

/** Of an event of which nothing more was said, as of most. One object for all of them, so that it is written as JSON once. */
export const plainMetadata: EventMetadata = Object.freeze({ priority: "normal" });

/** An event on its way into the log. */
export interface NewEvent {
  /** UUID; the idempotency key, unique per tenant. */
  readonly id: string;
  readonly type: string;
  /** Whole number from 1: the version of `data`. */
  readonly schemaVersion: number;
  readonly source: string | null;
  /** The producer's clock, RFC 3339 UTC. */
  readonly occurredAt: string | null;
  readonly data: Json;
  readonly metadata: EventMetadata;
}

/** An event as the log holds it. `data` is of `schemaVersion`, never lifted: only the catalog makes typed data of it. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  readonly tenant: string;
  readonly entity: Entity;
  /** Place in the stream, from 0. */
  readonly revision: number;
  readonly position: Position;
  /** The log's clock, RFC 3339 UTC with milliseconds. */
  readonly recordedAt: string;
  /** The log's record of the event is damaged. `data` is null, and only stream, revision and position are certain. */
  readonly damage?: EventDamage;
  /** It comes from the abridgement of its journal: entries around it may be missing, and texts in it. */
  readonly abridged?: true;
}

/** A stored event as steps and migrations are given it. */
export interface GivenEvent extends Omit<StoredEvent, "position"> {
  readonly position: PositionText;
}

export interface EventDamage {
  /** Where it is, and what is wrong there: "position 17 (default.order-1, revision 3): its data does not match its checksum". */
  readonly detail: string;
  /** The true type may differ from `type`, so the event may be for any handler. */
  readonly typeDoubtful: boolean;
}

/** An event whose data is of the current schema version: all that handlers and views ever see. */
export interface CurrentEvent<T extends string = string, D = unknown> {
  readonly id: string;
  readonly type: T;
  readonly schemaVersion: number;
  readonly entity: Entity;
  readonly tenant: string;
  readonly source: string | null;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  readonly data: D;
  readonly metadata: EventMetadata;
  readonly revision: number;
  readonly position: PositionText;
  /** Set when this is a part of a stored event: the stored event's id, which part this is (from 0), and how many there are. */
  readonly origin: EventOrigin | null;
}

export interface EventOrigin {
  readonly id: string;
  readonly part: number;
  readonly of: number;
}
