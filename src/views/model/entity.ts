import type { FailureText } from "../../catalog/catalog.ts";
import type { Entity } from "../../event/event.ts";
import { laneStates } from "../../records/lane-state.ts";
import type { DeliveryStatus } from "./delivery.ts";
import type { PageOptions } from "./page.ts";

/** The states on record, and `stuck`, which only this process knows: the lane's call goes on although its time-out is over. */
export const shownLaneStates = [...laneStates, "stuck"] as const;

export type ShownLaneState = (typeof shownLaneStates)[number];

export interface LaneView {
  readonly handler: string;
  readonly laneState: ShownLaneState;
  /** Why it does not flow, in words; null when it does. */
  readonly why: string | null;
  readonly nextRevision: number;
  /** Wanted events of the entity without an outcome, dead letters included. */
  readonly waiting: number;
  /** The first of them. */
  readonly head: {
    readonly eventId: string;
    readonly revision: number;
    readonly status: DeliveryStatus;
    readonly error: FailureText | null;
    readonly nextAttemptAt: string | null;
  } | null;
}

export interface EntityView {
  readonly entity: Entity;
  readonly tenant: string;
  readonly revision: number;
  readonly lastEventAt: string;
  /** What of it left the log for an archive: its events below the revision `before`, and the segment of the last ones; null: nothing. */
  readonly archived: { readonly events: number; readonly before: number; readonly segment: string } | null;
  /** Of each handler that wants any of its events. */
  readonly handlers: readonly LaneView[];
}

export interface EntityFilterOptions {
  readonly tenant: string;
  readonly laneState?: ShownLaneState;
  readonly handler?: string;
  readonly entityType?: string;
}

export interface EntityReads {
  entity(tenant: string, entity: Entity): Promise<EntityView | undefined>;
  /** With `show`: each as that makes it, at once, as for events. */
  entities<T extends object>(
    filter: EntityFilterOptions,
    page: PageOptions,
    show: (entity: EntityView) => T,
  ): Promise<{ readonly entities: readonly T[]; readonly nextCursor: string | null }>;
  entities(filter: EntityFilterOptions, page: PageOptions): Promise<{ readonly entities: readonly EntityView[]; readonly nextCursor: string | null }>;
}
