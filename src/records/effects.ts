import type { Json } from "../event/event.ts";

/** Of `reprise.effects-<handler>-<stream>-<revision>`. */
export interface EffectsStreamData {
  /** The function that a handler gave for `key` succeeded. Its newest result stands in for it ever after. */
  "effect.recorded": {
    readonly handler: string;
    readonly lane: string;
    readonly revision: number;
    readonly eventId: string;
    /** Of a split event: which part the handler was called with. */
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
