import { defaultTenant } from "../../event/names.ts";
import type { Store } from "../../store/store.ts";

/** What routes are given. */
export interface RouteOptions {
  readonly store: Store;
}

/** Whose events a request sees and who acts: without keys, one tenant and `local`. */
export const caller = { tenant: defaultTenant, actor: "local" } as const;
