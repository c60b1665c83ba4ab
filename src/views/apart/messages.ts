import type { MessagePort } from "node:worker_threads";
import type { Position } from "../../event/event.ts";
import type { SubscriptionBatch } from "../../log/event-log.ts";

/** With what the second thread begins. */
export interface ThreadBegins {
  readonly file: string;
  readonly use: "live" | "rebuild";
  /** Where to go on when that is beyond the rows' position. */
  readonly from: Position;
  /** Of `SharedPlaces`. */
  readonly shared: SharedArrayBuffer;
  /** Of `PositionWaiters`. */
  readonly waiting: Int32Array<SharedArrayBuffer>;
  /** A log that the thread reads by itself, and whose work it may do beside: see `openReadApart`. Null: it asks for each batch. */
  readonly log: { readonly place: string; readonly work: MessagePort | null } | null;
  /** It asks for each batch up to here. */
  readonly abridgedThrough: Position;
}

export type ToThread =
  | { readonly is: "grown" }
  | { readonly is: "batch"; readonly batch: SubscriptionBatch }
  | { readonly is: "no_batch"; readonly why: string }
  /** Somebody waits for a position, or has read the rows: a rest ends. */
  | { readonly is: "awaited" }
  | { readonly is: "probe" }
  | { readonly is: "stop" };

export type FromThread =
  | { readonly is: "moved" }
  | { readonly is: "ask"; readonly after: Position }
  | { readonly is: "probed"; readonly why: string | null }
  | { readonly is: "trouble" | "damage"; readonly why: string };
