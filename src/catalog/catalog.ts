import type { CurrentEvent, GivenEvent, Json, NewEvent, StoredEvent } from "../event/event.ts";

/** A failure, in the words of the code that threw. It never carries data. */
export interface FailureText {
  readonly type: string;
  readonly message: string;
}

/** One version step as an operator sees it; the last entry of a lift that failed has `data: null` and the error. */
export interface LiftStep {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly data: Json;
  readonly error: FailureText | null;
  /** Why the step dropped the event. */
  readonly dropped?: string;
  /** The events into which the step split the event, as they are before their own steps. */
  readonly split?: readonly { readonly type: string; readonly schemaVersion: number; readonly data: Json }[];
  /** The data of the steps before it has reached 4 MiB, so `data` is null and `split` is missing. */
  readonly leftOut?: boolean;
}

/** The outcome of lifting a stored event to the current version. */
export type Lifted =
  /** The event today: one event, several in order when a step split it, none when a step dropped it (`dropped` says why). */
  | { readonly ok: true; readonly parts: readonly CurrentEvent[]; readonly dropped: string | null }
  /** The type or the version is newer than this build. That is no failure, because another build will know it. */
  | { readonly ok: false; readonly reason: "newer_build"; readonly error: FailureText }
  /** The log's record of the event is damaged, so nobody knows its data. */
  | { readonly ok: false; readonly reason: "damaged"; readonly error: FailureText }
  /** A step threw, or a version's schema refused the data. `from`/`to` name the step; equal when the stored version itself was refused. */
  | { readonly ok: false; readonly reason: "schema"; readonly error: FailureText; readonly from: number; readonly to: number };

/** All event types with their schemas and upcasters. `current` is the only way from stored to typed data. */
export interface Catalog {
  /** Current names, sorted. */
  readonly types: readonly string[];
  /** Fingerprint of all schemas and steps of this build (hex, 16 characters). */
  readonly fingerprint: string;

  /** The current name for a stored type (itself, or the type that was `formerly` called so); undefined when unknown. */
  resolve(type: string): string | undefined;
  /** @returns ascending versions of a current type, and its former names; undefined when unknown. */
  describe(
    type: string,
  ): { readonly type: string; readonly versions: readonly number[]; readonly current: number; readonly formerly: readonly string[] } | undefined;

  /**
   * Checks data that someone wants to append. The data is stored as sent: nothing is returned.
   *
   * @param pointer where `data` stands in the request, for the error's places: `#/events/0/data`.
   * @throws EVENT_TYPE_UNKNOWN, SCHEMA_VERSION_UNKNOWN, DATA_INVALID with `errors`.
   */
  validate(type: string, schemaVersion: number, data: Json, pointer?: string): void;

  /**
   * The data that is stored for checked data: the same data, or, for a current version with a `downcast`, the data of the older version that it names.
   *
   * @throws DOWNCAST_FAILED when the downcast throws, or gives what its version's schema refuses or what cannot be lifted again.
   */
  toStore(event: NewEvent): NewEvent;

  /** What `toStore` made of the same event when its data still fitted, as far as anyone can tell. A repeat is recognised by it. Never refuses, never throws. */
  asOnceStored(event: NewEvent): NewEvent;

  /** Lifts a stored event through the chain and validates each version on the way. Never throws for bad data; never changes `stored`. */
  current(stored: StoredEvent | GivenEvent): Lifted;

  /** Each step of the lift, for showing, with about 4 MiB of data in all; empty when the event is current already. */
  steps(stored: StoredEvent | GivenEvent): readonly LiftStep[];

  /** The stored types from which the chain can reach one of `types`: their own and former names, and those that split into them. */
  candidates(types: readonly string[]): readonly string[];

  /** Fingerprint of one type's schemas and steps: kept with a dead letter, to tell whether the chain changed since. */
  chainFingerprint(type: string): string;

  /** JSON Schema 2020-12 of what an append of one version accepts, with `$id` and title; undefined when unknown. */
  jsonSchema(type: string, schemaVersion: number): Readonly<Record<string, unknown>> | undefined;
}
