import { callerOf } from "../../store/caller.ts";
import type { Store } from "../../store/store.ts";

/** What routes are given. */
export interface RouteOptions {
  readonly store: Store;
}

/** Whose events a request sees and who acts: without keys, one tenant and `local`. */
export const caller = callerOf();
