import type { Entity, PositionText } from "./event.ts";

/** Where an event was stored. */
export interface AppendedEvent {
  readonly id: string;
  readonly entity: Entity;
  /** Place in the entity's stream, from 0. */
  readonly revision: number;
  readonly position: PositionText;
  /** The log's clock, RFC 3339 UTC with milliseconds. */
  readonly recordedAt: string;
  /** It was stored before, under the same id. */
  readonly duplicate: boolean;
}
