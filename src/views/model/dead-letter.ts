import type { FailureText, LiftStep } from "../../catalog/catalog.ts";
import type { Entity, Json, PositionText as Position } from "../../event/event.ts";
import type { AttemptRecord, DeadLetterCause } from "../../records/attempt.ts";
import type { AmendmentAct, AmendmentView } from "./amendment.ts";
import type { DeliveryAct } from "./delivery-act.ts";
import type { LiftedView, PartView } from "./event.ts";
import type { PageOptions } from "./page.ts";

export interface DeadLetterFilter {
  readonly tenant: string;
  readonly eventType?: string;
  readonly source?: string;
  readonly handler?: string;
  readonly entityType?: string;
  readonly entityId?: string;
  /** `<type>` or `<type>: <message>`. */
  readonly error?: string;
  /** In `<type>: <message>`, as it stands there. */
  readonly errorLike?: string;
  /** Fingerprint of its error group. */
  readonly errorGroup?: string;
  readonly cause?: DeadLetterCause;
  readonly replayId?: string;
  /** Whether it waits for a person's decision. */
  readonly escalated?: 0 | 1;
  /** When dead-lettered: milliseconds since 1970, `since ≤ t < until`. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

export interface DeadLetterView {
  /** The event's. */
  readonly id: string;
  readonly deliveryId: string;
  readonly handler: string;
  readonly tenant: string;
  readonly stream: string;
  readonly position: Position;
  readonly entity: Entity;
  readonly eventType: string;
  readonly source: string | null;
  readonly revision: number;
  readonly schemaVersion: number;
  readonly storedSchemaVersion: number;
  readonly data: Json;
  readonly dataError: string | null;
  /** When its data was amended: `data` is of the amendment. Null: it is of what is stored. */
  readonly amendedAt: string | null;
  /** Of a split event: which part is dead-lettered (`eventType`, `schemaVersion` and `data` are its own), and all of them. */
  readonly part: number | null;
  readonly parts: readonly PartView[] | null;
  readonly dropped: string | null;
  readonly status: "dead_lettered" | "escalated";
  readonly cause: DeadLetterCause;
  readonly error: FailureText;
  /** Of its error group. */
  readonly fingerprint: string;
  readonly attempts: number;
  readonly retryCount: number;
  /** Later events held behind it. */
  readonly waiting: number;
  readonly replayId: string | null;
  /** When the event was recorded. */
  readonly createdAt: string;
  readonly firstFailedAt: string;
  readonly deadLetteredAt: string;
}

export interface DeadLetterDetail extends DeadLetterView {
  /** As the log holds it, whatever was amended. */
  readonly stored: LiftedView["stored"] | null;
  readonly amendment: AmendmentView | null;
  /** All of them, newest first, at most 50. */
  readonly amendments: readonly AmendmentAct[];
  /** What people and policies decided about it, amendments apart. Newest first, at most 50. */
  readonly acts: readonly DeliveryAct[];
  readonly steps: readonly LiftStep[];
  /** The first 10 events held behind it. */
  readonly waitingEvents: readonly { readonly id: string; readonly type: string; readonly revision: number; readonly recordedAt: string }[];
  readonly history: readonly AttemptRecord[];
}

export interface LeftOut {
  readonly kinds: number;
  readonly count: number;
}

export interface DeadLetterStats {
  readonly total: number;
  /** Events held behind the dead letters that match. */
  readonly waiting: number;
  readonly oldestAt: string | null;
  readonly byEventType: readonly { readonly eventType: string; readonly count: number }[];
  readonly byHandler: readonly { readonly handler: string; readonly count: number }[];
  readonly bySource: readonly { readonly source: string | null; readonly count: number }[];
  /** `<type>: <message>`, the ten most frequent. */
  readonly topErrors: readonly { readonly error: string; readonly count: number }[];
  /** How many others there are, and how many dead letters they have. */
  readonly leftOut: { readonly errors: LeftOut; readonly sources: LeftOut };
}

export interface DeadLetterList {
  /** Newest event first; `offset` at most 10,000. With `data: false` no payload is read, and `data` is null. */
  deadLetters(
    filter: DeadLetterFilter,
    page: PageOptions & { readonly offset?: number; readonly data?: boolean },
  ): Promise<{ readonly events: readonly DeadLetterView[]; readonly total: number; readonly nextCursor: string | null }>;
}

export interface DeadLetterDetails {
  /**
   * The dead letters of one event id (one for each handler) or of one delivery id.
   *
   * @param also `over`: those that are none any more, too, as they were.
   */
  findDeadLetters(tenant: string, id: string, also?: { readonly over: true }): Promise<readonly DeadLetterDetail[]>;
}

export interface DeadLetterAges {
  /** Of each handler, over all tenants: how many dead letters it has, and when the oldest became one. */
  deadLetterAges(): Promise<readonly { readonly handler: string; readonly letters: number; readonly oldestAt: string | null }[]>;
}

export interface DeadLetterFigures {
  deadLetterStats(filter: DeadLetterFilter): Promise<DeadLetterStats>;
  /** When the oldest of them was dead-lettered; null: there is none. */
  oldestLetterAt(filter: DeadLetterFilter): Promise<string | null>;
}
