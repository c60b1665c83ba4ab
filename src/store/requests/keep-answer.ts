/** Stores the answer to a request before it is given. */
import { type Patience, withPatience } from "../../delivery/journal/patience.ts";
import { isLogTrouble, isRepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { backOff } from "../../event/waits.ts";
import { inProgress } from "./claim.ts";
import type { KeptAnswer, RequestLog } from "./request-log.ts";

interface KeepNeeds {
  readonly stream: RequestLog;
  readonly clock: Clock;
  /** Told when an answer could not be stored; it is given all the same, because what it says was done. */
  readonly onUnkept: (error: unknown) => void;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

/** While the log takes nothing, within an act's patience. */
const waits = { firstMs: 50, lastMs: 1000 };

/**
 * @param after revision of the stream's last event.
 * @returns the answer to give: another process's, where that has answered meanwhile.
 * @throws IDEMPOTENCY_IN_PROGRESS when another process has taken it over and has no answer yet.
 */
export async function keepAnswer({ stream, clock, onUnkept, signal }: KeepNeeds, id: string, answer: KeptAnswer, after: number): Promise<KeptAnswer> {
  const parts = stream.partsOf(answer);
  const store = async (patience: Patience): Promise<KeptAnswer> => {
    for (let failures = 0; ; failures++)
      try {
        await stream.answer(id, parts, after);
        return answer;
      } catch (error) {
        if (isRepriseError(error, "REVISION_CONFLICT")) return (await stream.read(id))?.answer ?? Promise.reject(inProgress());
        if (!isLogTrouble(error)) throw error;
        await backOff(failures, waits, clock, signal);
        if (patience.over || signal.aborted) throw error;
      }
  };
  try {
    return await withPatience(clock, store);
  } catch (error) {
    if (isRepriseError(error, "IDEMPOTENCY_IN_PROGRESS")) throw error;
    onUnkept(error);
    return answer;
  }
}
