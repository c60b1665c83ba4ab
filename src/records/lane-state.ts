/** What a lane does. */
/** What blocks a lane without a dead letter, until a build or a log comes that does not have it: each claim tries again. */
export type LaneBlock = "newer_build" | "LOG_DAMAGED";

export function isLaneBlock(why: string): why is LaneBlock {
  return why === "newer_build" || why === "LOG_DAMAGED";
}

/** The first of these that holds. */
export type LaneState = "paused" | "blocked" | "backing_off" | "behind" | "flowing";
