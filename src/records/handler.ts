import type { Act } from "./act.ts";

/** The events of `reprise.handler-<name>`. */
export interface HandlerStreamData {
  /**
   * The definition of the handler, recorded whenever it changes. `types`: wanted type → position beyond which it is wanted (`"0"`: from the first event).
   * `stored`: the same for each stored type that can become one of them: other names, types that split into them. The first builds left it out; then
   * `types` stands in for it.
   */
  "handler.configured": {
    readonly types: Readonly<Record<string, string>>;
    readonly stored?: Readonly<Record<string, string>>;
    readonly ordering: "strict" | "relaxed";
    readonly start: "beginning" | "now";
    readonly partitions: number;
    /** Stream of the journal; with several partitions, of the first one. */
    readonly journal: string;
    /** URL of a webhook. */
    readonly endpoint: string | null;
  };
  /**
   * An operator's act: the lanes are to be divided into `partitions` in place of `before`. It goes on until a `handler.configured` has that number, or until
   * it is withdrawn. Nobody claims a partition meanwhile.
   */
  "handler.repartitioning": {
    readonly partitions: number;
    readonly before: number;
    /** The instance that does it, and the id of its process. */
    readonly by: string;
    readonly life: string;
    readonly act: Act;
  };
  /** It cannot be done now; the handler goes on as it was. */
  "handler.repartition_withdrawn": { readonly partitions: number; readonly why: string };
  "handler.paused": { readonly why: string; readonly act: Act };
  "handler.resumed": { readonly act: Act };
  /** An operator's act on a handler that is no longer in the config: the `waiting` events that waited for it are discarded. `at`: the log's end then. */
  "handler.retired": { readonly act: Act; readonly at: string; readonly waiting: number };
  /** An operator's act: these revisions of the journal belong to another program, and every reading skips them. `type` null: unreadable. */
  "handler.repaired": {
    readonly journal: string;
    readonly skipped: readonly { readonly from: number; readonly to: number; readonly type: string | null }[];
    readonly act: Act;
  };
}
