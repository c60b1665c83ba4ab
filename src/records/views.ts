import type { Act } from "./act.ts";

/** The events of `reprise.views`. */
export interface ViewsStreamData {
  "views.rebuild_requested": { readonly act: Act };
}
