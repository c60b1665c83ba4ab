import type { Act } from "./act.ts";

/** Of `reprise.views`. */
export interface ViewsStreamData {
  "views.rebuild_requested": { readonly act: Act };
}
