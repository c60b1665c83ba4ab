import type { ContextRef, Entity, EventMetadata, Json, Priority } from "../../event/event.ts";
import type { ExpectedRevision } from "../../log/event-log.ts";

import type { OnceOnly } from "../caller.ts";

/** An event as a caller wants to append it. What is left out is filled in. */
export interface EventInput {
  readonly id?: string;
  readonly type: string;
  /** Default: the current version. */
  readonly schemaVersion?: number;
  readonly entity: Entity;
  readonly data: Json;
  readonly source?: string;
  readonly occurredAt?: string;
  readonly priority?: Priority;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly callChain?: readonly string[];
  readonly contextRefs?: readonly ContextRef[];
  readonly extensions?: EventMetadata["extensions"];
}

export interface AppendOptions {
  readonly tenant?: string;
  /** The append belongs to a request that may come again: events without an id get theirs of it. */
  readonly once?: OnceOnly;
  /** A revision or "none" needs all events to be of one entity. Default "any". */
  readonly expectedRevision?: ExpectedRevision;
  /** Where an event stands in the input, for errors: `(index) => "#/events/" + index`. */
  readonly pointer?: (index: number) => string;
  /** How a place in an event, or an option, is named where the input came from, for errors: `/occurredAt` → `/occurred_at`. Default: as it is. */
  readonly place?: (path: string) => string;
  /** Of one event, or of each of several: what is appended in its place when its id is that of another source's event. */
  readonly perSource?: EventInput | readonly (EventInput | undefined)[];
}
