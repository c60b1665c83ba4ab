import { isRepriseError } from "../errors.ts";
import type { Position } from "../event/event.ts";
import type { Views } from "../views/model/views.ts";

/** Resolves once the views have reached the position, however long that takes: a rebuild may be under way. Or once the service stops. */
export async function caughtUp(views: Pick<Views, "waitFor">, position: Position, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await views.waitFor(position);
    } catch (error) {
      if (!isRepriseError(error, "VIEW_BEHIND")) throw error;
    }
  }
}
