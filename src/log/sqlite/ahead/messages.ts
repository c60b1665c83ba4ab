import type { PackedPage } from "./packed-page.ts";

/** With what the thread begins that reads ahead. */
export interface AheadBegins {
  readonly path: string;
  readonly limits: PageLimits;
}

/** Those of `SqliteLogLimits` that a batch has. */
export interface PageLimits {
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly scanPositions: number;
}

/** Where a subscription goes on, and what it reads: events of these types, or all. */
export interface ReadFrom {
  readonly types: readonly string[] | null;
  readonly after: number;
}

/** A reading is a subscription from one place on. `end`: the last position that may be read. `pages`: as many may be on their way, and as many more as were taken. */
export type ToAhead =
  | { readonly is: "read"; readonly reading: number; readonly from: ReadFrom; readonly end: number; readonly pages: number }
  | { readonly is: "go_on"; readonly reading: number; readonly taken: 0 | 1; readonly end: number }
  | { readonly is: "done"; readonly reading: number }
  | { readonly is: "close" };

/** `not_read`: the next page of a reading has something unusual, which the owner of the log is to see by itself. The reading is over then. */
export type FromAhead =
  | { readonly is: "ready" }
  | { readonly is: "page"; readonly reading: number; readonly page: PackedPage }
  | { readonly is: "not_read"; readonly reading: number };
