import type { Act } from "./act.ts";

/** Of `reprise.handler-<name>`. */
export interface HandlerStreamData {
  /**
   * Whenever it changed. `types`: wanted type → position beyond which it is wanted (`"0"`: from the first event). `stored`: the same for each
   * stored type that can become one of them: other names, types that split into them. Left out by the first builds: then as `types` says.
   */
  "handler.configured": {
    readonly types: Readonly<Record<string, string>>;
    readonly stored?: Readonly<Record<string, string>>;
    readonly ordering: "strict" | "relaxed";
    readonly start: "beginning" | "now";
    readonly partitions: number;
    /** Stream of the journal. */
    readonly journal: string;
    /** URL of a webhook. */
    readonly endpoint: string | null;
  };
  "handler.paused": { readonly why: string; readonly act: Act };
  "handler.resumed": { readonly act: Act };
  /** An operator's act on a handler that the config has no more: what waited for it, `waiting` events, is discarded. `at`: the log's end then. */
  "handler.retired": { readonly act: Act; readonly at: string; readonly waiting: number };
  /** An operator's act: these revisions of the journal are not its own, and are passed over. `type` null: cannot be read. */
  "handler.repaired": {
    readonly journal: string;
    readonly skipped: readonly { readonly from: number; readonly to: number; readonly type: string | null }[];
    readonly act: Act;
  };
}
