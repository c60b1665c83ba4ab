import { type GivenEvent, positionText, type StoredEvent } from "../../event/event.ts";
import { freezeDeep } from "../../event/freeze-deep.ts";

/** The event as a step or a migration sees it. */
export function given(event: StoredEvent | GivenEvent): GivenEvent {
  // An event that is downcast before it is stored has no position yet.
  return freezeDeep(event.position === undefined ? { ...(event as GivenEvent) } : { ...event, position: positionText(event.position) });
}
