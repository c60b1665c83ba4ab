import type { HandlerState } from "./handler.ts";

/** What runs in this process right now: `processing` is in nobody's record. */
export interface RunningDeliveries {
  /** Streams and revisions being delivered now to one handler; `stuck`: the call goes on although its time-out is over. */
  running(handler: string): readonly { readonly stream: string; readonly revision: number; readonly stuck?: boolean }[];
  /** What has become of a handler: in this process, or among the instances that share it. */
  condition(handler: string): HandlerCondition;
}

/** What only running processes know of a handler; whether it is paused is on record. */
export interface HandlerCondition {
  readonly state: Exclude<HandlerState, "paused">;
  /** The error that made it stand still, as `<code>: <message>`; null when none did. */
  readonly fault: string | null;
  /** Why it does nothing, in words, where its state does not say it all. */
  readonly why?: string;
}
