/** A fault that blocks a lane without a dead letter, until a build or a log without the fault comes. Each claim of the journal tries again. */
export type LaneBlock = "newer_build" | "LOG_DAMAGED";

export function isLaneBlock(why: string): why is LaneBlock {
  return why === "newer_build" || why === "LOG_DAMAGED";
}

/** The state of a lane. When several are true at once, `paused` counts before `blocked`, then `backing_off`, then `behind`. */
export const laneStates = ["flowing", "backing_off", "blocked", "paused", "behind"] as const;
export type LaneState = (typeof laneStates)[number];
