import type { Attempt, AttemptOutcome, AttemptRequest } from "../../src/delivery/attempt/attempt.ts";

/** Calls a handler once, as if every call took its time: promises also for one that has ended already. */
export function inFlight(attempt: Attempt): (request: AttemptRequest) => { readonly outcome: Promise<AttemptOutcome>; readonly settled: Promise<unknown> } {
  return (request) => {
    const begun = attempt.call(request);
    return begun.kind === "running" ? begun : { outcome: Promise.resolve(begun), settled: Promise.resolve() };
  };
}
