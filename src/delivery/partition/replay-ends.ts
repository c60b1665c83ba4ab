/** How the replay of a dead letter ends. */
import type { Lane } from "./lane.ts";
import type { LetterReplay, LetterReplayEnd, Withdrawal } from "./letter.ts";
import type { Recorder } from "./recorder.ts";

export function endReplay(recorder: Recorder, lane: Lane, replay: LetterReplay, end: LetterReplayEnd): void {
  lane.replays = lane.replays.filter((each) => each !== replay);
  replay.event = null;
  recorder.end(replay, end);
}

/** It ends without an outcome; after a pause the same replay goes on where it was. */
export function leaveReplay(recorder: Recorder, lane: Lane, replay: LetterReplay, how: Withdrawal): void {
  const letter = lane.letters.get(replay.revision);
  const { replayId, failed, deferred, dueMs } = replay;
  const isFresh = failed === 0 && deferred.count === 0 && dueMs === null;
  if (letter) letter.replay = how === "stop" || isFresh ? null : { replayId, failed, deferred, dueMs };
  endReplay(recorder, lane, replay, { outcome: "withdrawn" });
}
