/** Reasons for which a replay leaves an item alone, as its report and the plan show them. */
import { isRepriseError } from "../errors.ts";

/** In a strict lane, dead letters are replayed in the order of their events. */
export const behindAnother = "an earlier dead letter of its entity comes first";
export const handlerAbsent = "its handler does not run here";
export const eventRemoved = "event removed from the log";

/** @returns why this error makes a replay leave one item alone; null when the whole replay cannot go on with it. */
export function whyLeftAlone(error: unknown): string | null {
  if (isRepriseError(error, "LETTER_NOT_FIRST")) return behindAnother;
  if (isRepriseError(error, "NOT_DEAD_LETTERED")) return "not dead-lettered any more";
  if (isRepriseError(error, "ALREADY_DECIDED")) return "somebody else decided on it meanwhile";
  if (isRepriseError(error, "DELIVERY_RUNNING")) return "another replay of it is under way";
  if (isRepriseError(error, "LANE_PAUSED")) return "its entity is paused";
  if (isRepriseError(error, "NOT_FOUND")) return handlerAbsent;
  // A migration that cannot mend this item, or that the config no longer has.
  if (isRepriseError(error) && (error.kind === "unprocessable" || error.code === "REQUEST_INVALID")) return error.message;
  return null;
}
