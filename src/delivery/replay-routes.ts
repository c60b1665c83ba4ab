/** What a handler does for replays, over all of its partitions. */
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { ReplaySide as OfOne } from "./dispatcher/replay-side.ts";

export type ReplaySide = Pick<OfOne, keyof OfOne>;

/** @param all those that work here; throws NOT_OWNER or the fault when none does. `of` throws it while the one that a lane belongs to does not. */
export function routedReplays(all: () => readonly Dispatcher[], of: (stream: string) => Dispatcher): ReplaySide {
  return {
    pace(replayId, pace) {
      for (const { replays } of all()) replays.pace(replayId, pace);
    },
    unknownPaces: () => [...new Set(all().flatMap(({ replays }) => replays.unknownPaces()))],
    async withdraw(replayId, how) {
      await Promise.all(all().map(({ replays }) => replays.withdraw(replayId, how)));
    },
    async passed(replayId) {
      await Promise.all(all().map(({ replays }) => replays.passed(replayId)));
    },
    followers: (replayId) => all().reduce((sum, { replays }) => sum + replays.followers(replayId), 0),
    lend: (stream, replayId) => of(stream).replays.lend(stream, replayId),
  };
}
