/** What blocks a lane without a dead letter, until a build or a log comes that does not have the fault. Each claim tries again. */
export type LaneBlock = "newer_build" | "LOG_DAMAGED";

export function isLaneBlock(why: string): why is LaneBlock {
  return why === "newer_build" || why === "LOG_DAMAGED";
}

/** What a lane does. Where several are true at once, `paused` counts before `blocked`, then `backing_off`, then `behind`. */
export const laneStates = ["flowing", "backing_off", "blocked", "paused", "behind"] as const;
export type LaneState = (typeof laneStates)[number];
