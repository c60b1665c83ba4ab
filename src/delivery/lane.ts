import type { Position, Priority, StoredEvent } from "../event/event.ts";
import { parseStreamName } from "../event/names.ts";
import type { AmendmentPointer } from "./journal-events.ts";
import type { Schedulable } from "./ready-lanes.ts";

/** What a replay tells its deliveries. */
export interface ReplayMode {
  readonly mode: "run" | "dry_run";
  /** What `context.effect` does about effects that are on record: answer with the record, or run again. */
  readonly effects: "once" | "again";
}

/** An operator's order to deliver a dead letter again. */
export interface Order {
  readonly revision: number;
  readonly replayId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly effects: ReplayMode["effects"];
  /** The letter's event, once it was read. */
  event: StoredEvent | null;
  /** Monotonic time of the next attempt; null: now. */
  dueMs: number | null;
  /** Failed calls of this replay. */
  failed: number;
}

/** One event for the handler, under way. */
export interface Delivery {
  readonly lane: Lane;
  readonly event: StoredEvent;
  /** Which call it is, over all rounds, from 1; of a split event, which call of the part. */
  attempt: number;
  /** Failed calls before it in this round: what the retry policy counts. */
  round: number;
  /** Of a split event: which part is called, and of how many. Null until it is lifted, and for one that is not split. */
  part: { readonly index: number; readonly of: number } | null;
  readonly order: Order | null;
  /** It was called before, or may have been: effects may be on record. */
  readonly doubtful: boolean;
  readonly wasFailing: boolean;
  /** Monotonic; when it was given its slot. */
  readonly startedMs: number;
  /** Outcomes of the handler when it was given its slot. */
  readonly startedAt: number;
  /** Its outcome is known. */
  concluded: boolean;
  hasSlot: boolean;
}

/** A dead letter as the lane keeps it. */
export interface Letter {
  readonly at: Position;
  readonly eventId: string;
  attempts: number;
  readonly escalated: boolean;
  /** Its replay was under way when the process died: the next one runs alone. */
  suspect?: boolean;
  /** The replay that was under way when the process ended: one with the same id goes on from there. */
  readonly replay: { readonly replayId: string; readonly failed: number; readonly dueMs: number | null } | null;
  /** The data that its deliveries carry, when it is not the stored one. */
  amended: AmendmentPointer | null;
}

/** The deliveries of one entity for one handler, in order, one at a time. */
export class Lane implements Schedulable {
  readonly stream: string;
  readonly tenant: string;
  /** First revision that is not done, dead letters apart. */
  next: number;
  /** Position of the last event that is done. */
  at: Position;
  /** Fed by its own stream; otherwise by the subscription. Never both. */
  detached = false;
  why: "newer_build" | null = null;
  /** By an operator: nothing of it starts. */
  paused = false;
  /** Made for an operator's act on a lane that nothing was known of: `next` is not known either, until an event comes or the stream was read. */
  fresh = false;
  /** Acts that look at its stream meanwhile: it is not forgotten. */
  pins = 0;
  readonly letters = new Map<number, Letter>();
  /** Failed calls of the event at `next`. */
  attempts = 0;
  /** The event at `next` has a failed or a deferred call on record: its completion is told in full. */
  troubled = false;
  /** Monotonic time before which the event at `next` is not due; null: it is. */
  dueMs: number | null = null;

  /** Wanted events in order, the first at or above `next`. */
  queue: StoredEvent[] = [];
  /** Highest revision that the subscription brought while the lane was detached. */
  seen = -1;
  /** Last revision of the stream that the queue's reading covered. */
  readThrough = -1;
  reading = false;
  running: Delivery | null = null;
  readonly orders: Order[] = [];
  failing = false;
  queued = false;
  /** Events up to here may have been under way when the process died: their calls are recorded first. */
  suspectThrough = -1;
  /** Events up to here may have been called before this process had them, after a clean stop too: a call that was abandoned leaves no record. */
  doubtThrough = -1;
  /** The flush that records the lane's last outcome, and how many outcomes wait for it. */
  flush = 0;
  unflushed = 0;

  constructor(stream: string, next: number) {
    this.stream = stream;
    this.tenant = parseStreamName(stream)?.tenant ?? "";
    this.next = next;
    this.at = 0n;
  }

  priority(): Priority {
    return (this.orders[0]?.event ?? this.queue[0])?.metadata.priority ?? "normal";
  }
}
