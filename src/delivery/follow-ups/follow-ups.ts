/** Events that a handler appends because of the one that it was given (docs/rules.md, Follow-ups). */
import { FollowUpScope, type FollowUpsOf, type FollowUpsOptions } from "./follow-up-scope.ts";

export interface FollowUps {
  /** Those of one call. */
  open(of: FollowUpsOf): FollowUpScope;
}

export function makeFollowUps(options: FollowUpsOptions): FollowUps {
  return { open: (of) => new FollowUpScope(options, of) };
}
