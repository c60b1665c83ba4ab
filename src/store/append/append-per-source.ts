import { isRepriseError } from "../../errors.ts";
import type { EventLog } from "../../log/event-log.ts";
import { callerOf } from "../caller.ts";
import type { Appends } from "./append.ts";

/**
 * Ids of CloudEvents are unique per source, those of the log per tenant: an event whose id another source has used is appended as `options.perSource`, under
 * an id of its own. Asked only where an append found its id in use, so that it costs nothing else; repeating the append finds the same event again.
 */
export function makePerSource(append: Appends["append"], log: Pick<EventLog, "findByIds">): Appends["append"] {
  return async (input, options = {}) => {
    const { perSource, ...others } = options;
    if (perSource === undefined || !("entity" in input) || input.id === undefined) return append(input, others);
    const { id, source = null } = input;
    const isOfAnother = async (): Promise<boolean> => {
      const [stored] = await log.findByIds(callerOf(options).tenant, [id.toLowerCase()]);
      return stored !== undefined && stored.source !== source;
    };
    try {
      const appended = await append(input, others);
      if (!appended[0]!.duplicate || !(await isOfAnother())) return appended;
    } catch (error) {
      if (!isRepriseError(error, "EVENT_ID_REUSED") || !(await isOfAnother())) throw error;
    }
    return append(perSource, others);
  };
}
