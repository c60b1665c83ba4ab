import type { Json } from "../event/event.ts";

/** The events of `reprise.effects-<handler>-<stream>-<revision>`. */
export interface EffectsStreamData {
  /** The function that a handler gave for `key` succeeded. From now on its newest result is returned in its place. */
  "effect.recorded": {
    readonly handler: string;
    readonly lane: string;
    readonly revision: number;
    readonly eventId: string;
    /** The part of a split event with which the handler was called. */
    readonly part?: number;
    readonly key: string;
    /** Left out when there was none. At most 64 KiB. */
    readonly result?: Json;
    /** Which call of the delivery ran it. */
    readonly attempt: number;
    /** The replay that ran it. */
    readonly replayId?: string;
  };
}
