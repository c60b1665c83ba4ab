/** Whether a handler still needs an event. Pure: it goes by what the log has on record of the handler. */
import type { PartitionState } from "../delivery/journal/state.ts";
import type { StoredEvent } from "../event/event.ts";
import type { Hold } from "./hold.ts";

/** What the log knows of a handler. */
export interface KnownHandler {
  readonly name: string;
  /** In the config; an absent handler's events wait for it, or for its retirement. */
  readonly isConfigured: boolean;
  readonly isPaused: boolean;
  wants(event: StoredEvent): boolean;
  /** Of the lane's partition; null when its journal cannot be read. */
  stateOf(stream: string): PartitionState | null;
}

/** An event is done when no letter is open for it, and the lane, or the checkpoint for a lane that flows, has passed it. Null: nothing holds it. */
export function heldByHandler(handler: KnownHandler, event: StoredEvent): Hold | null {
  if (!handler.wants(event)) return null;
  const { name } = handler;
  const state = handler.stateOf(event.stream);
  const lane = state?.lanes.get(event.stream);
  const letter = lane?.letters.get(event.revision);
  if (letter !== undefined) return { kind: letter.decision === null ? "dead_letter" : "escalation", name };
  if (state !== null && isPassed(state, event)) return null;
  if (!handler.isConfigured) return { kind: "absent_handler", name };
  if (handler.isPaused) return { kind: "paused_handler", name };
  return { kind: lane?.paused ? "paused_lane" : "waiting_handler", name };
}

function isPassed({ checkpoint, lanes }: PartitionState, { stream, revision, position }: StoredEvent): boolean {
  const lane = lanes.get(stream);
  if (lane !== undefined && revision < lane.next) return true;
  return !lane?.detached && position <= checkpoint;
}
