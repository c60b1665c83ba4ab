/** The state of a lane as operators see it: from its row, from its handler, and from the calls that this process has under way. */

import type { ShownLaneState } from "../../model/entity.ts";
import type { HandlerState } from "../../model/handler.ts";
import type { HandlerCondition } from "../../model/running.ts";
import type { Sources } from "../context.ts";
import type { HandlerRow } from "./handler-rows.ts";
import type { LaneRow } from "./lane-rows.ts";

type Pausable = Pick<HandlerRow, "ordering" | "paused">;

/** What this process says of a handler, and its pause, which is on record. */
export function handlerState({ paused }: Pick<HandlerRow, "paused">, { state }: HandlerCondition): HandlerState {
  return state === "running" && paused === 1 ? "paused" : state;
}

/**
 * A lane that stands still never shows as one that moves. Whatever a lane waits for by itself, nothing of it starts while its handler is paused or does not
 * run here.
 *
 * @param stuck a call of the lane goes on although its time-out is over.
 */
export function laneState(handler: Pausable, condition: HandlerCondition, lane: LaneRow | undefined, stuck: boolean): ShownLaneState {
  if (lane?.paused === 1 || handlerState(handler, condition) === "paused") return "paused";
  if (stuck) return "stuck";
  if (lane !== undefined && isBlocked(handler.ordering, lane)) return "blocked";
  if (condition.state !== "running") return "behind";
  if (lane === undefined) return "flowing";
  if (lane.retry_at !== null) return "backing_off";
  return lane.detached === 1 ? "behind" : "flowing";
}

/** Nothing of the lane can start before someone acts on the entity, so its waiting deliveries are held. */
export function holds(ordering: HandlerRow["ordering"], lane: LaneRow): boolean {
  return lane.paused === 1 || isBlocked(ordering, lane);
}

function isBlocked(ordering: HandlerRow["ordering"], lane: LaneRow): boolean {
  return lane.why !== null || (ordering === "strict" && lane.letters > 0);
}

/** Calls that go on although their time-out is over: their revisions, by stream. */
export function stuckCalls({ running }: Sources, handler: string): ReadonlyMap<string, number> {
  return new Map(running.running(handler).flatMap(({ stream, revision, stuck }) => (stuck === true ? [[stream, revision] as const] : [])));
}

/** Why a handler does not do what its lanes wait for, in words; null while it does. */
export function whyHandlerStands(
  { name, paused, paused_by, paused_why }: Pick<HandlerRow, "name" | "paused" | "paused_by" | "paused_why">,
  { state, fault, why }: HandlerCondition,
): string | null {
  if (why !== undefined) return why;
  switch (state) {
    case "running":
      return paused === 1 ? `paused by ${paused_by}: ${paused_why}` : null;
    case "absent":
      return `the config has no handler ${name} any more: put it back, or retire it`;
    case "fenced":
      return `another instance owns it${fault === null ? "" : `: ${fault}`}`;
    case "standby":
      return "another instance owns it; this one takes over when that is gone";
    case "stopped":
      return fault ?? "it has stopped";
  }
}
