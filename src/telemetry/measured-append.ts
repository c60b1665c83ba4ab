/** The append of a store, and a twin of it that counts what becomes of the events. */
import { isLogTrouble, isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { AppendInputs } from "../store/append/append.ts";
import type { Counted } from "./counted.ts";

export function measuredAppend(append: AppendInputs, { appends, appendSeconds }: Counted, clock: Clock): AppendInputs {
  const [stored, duplicate, refused, failed] = (["stored", "duplicate", "refused", "failed"] as const).map((outcome) => appends.of(outcome));
  const took = appendSeconds.of();
  const ended = (sinceMs: number) => took.observe((clock.monotonicMs() - sinceMs) / 1000);
  return (input, options) => {
    const count = Array.isArray(input) ? input.length : 1;
    const sinceMs = clock.monotonicMs();
    const appending = append(input, options);
    // Beside the answer, not around it: the caller waits for no promise more.
    void appending.then(
      (appended) => {
        for (const event of appended) (event.duplicate ? duplicate! : stored!).add();
        ended(sinceMs);
      },
      (error: unknown) => {
        (isOurs(error) ? failed! : refused!).add(count);
        ended(sinceMs);
      },
    );
    return appending;
  };
}

/** Not the caller's fault. */
function isOurs(error: unknown): boolean {
  return isLogTrouble(error) || !isRepriseError(error) || error.kind === "unavailable" || error.kind === "defect";
}
