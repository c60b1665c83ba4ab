/** A batch of CloudEvents: a JSON list of structured ones. An empty one is valid, and appends nothing. */
import { z } from "zod";
import { maxPlaces } from "../../catalog/places.ts";
import { type ErrorPlace, isRepriseError } from "../../errors.ts";
import { makeTurns } from "../../event/turns.ts";
import { invalid } from "../parse.ts";
import { cloudEventBody, type FromCloudEvent, fromCloudEvent } from "./cloud-event.ts";

const maxEvents = 1000;

export const cloudEventBatchBody = z.array(cloudEventBody).max(maxEvents);

/** Gives way between its events, because a thousand take 20 ms. @throws REQUEST_INVALID with a place for each fault, `#/0/source`. */
export async function fromCloudEvents(body: unknown): Promise<readonly FromCloudEvent[]> {
  if (!Array.isArray(body) || body.length > maxEvents)
    throw invalid("The body is not a batch of CloudEvents.", [{ pointer: "#", detail: `must be a list of at most ${maxEvents} CloudEvents` }]);
  const turns = makeTurns();
  const events: FromCloudEvent[] = [];
  const places: ErrorPlace[] = [];
  for (const [index, one] of body.entries()) {
    if (turns.due()) await turns.next();
    try {
      events.push(fromCloudEvent(one, (path) => `#/${index}${path}`));
    } catch (error) {
      if (!isRepriseError(error, "REQUEST_INVALID")) throw error;
      for (const place of error.errors) places.push(place);
      if (places.length >= maxPlaces) break;
    }
  }
  if (places.length === 0) return events;
  throw invalid("The batch has CloudEvents with members that are missing, unknown or of the wrong shape.", places.slice(0, maxPlaces));
}
