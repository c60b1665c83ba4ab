import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { Amendments } from "./amendments.ts";
import type { NextTurnOf } from "./asked-turns.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";
import { whyLeftAlone } from "./why-left-alone.ts";

/** Delivers dead letters again, in their own lanes: outcomes are the journals' to record, with the replay's id. */
export function makeLetterRunner({
  delivery,
  amendments,
  request: { kind, replayId, actor, reason, effects = "once", migration, stopWhen = null, canary = null },
  handlers,
  nextTurn,
  signal,
}: {
  readonly delivery: RunningHandlers;
  readonly amendments: Amendments;
  readonly request: JobRequest;
  readonly handlers: readonly string[];
  readonly nextTurn: NextTurnOf;
  /** Aborted when the service stops, or the job is over here. */
  readonly signal: AbortSignal;
}): Runner {
  let withdrawn = false;
  const startsAhead = stopWhen === null && canary === null ? { startsAhead: true } : {};
  return {
    endsLane: null, // a strict lane says so itself: what comes behind a dead letter is refused
    async run(_place, item): Promise<ItemEnd> {
      const { handler, lane: stream, revision, attempts, through = null } = item;
      withdrawn = false;
      try {
        if (migration !== undefined) await amendments.migrate(item, { replayId, actor, reason, migration });
        const stillWanted = () => !withdrawn && !signal.aborted;
        const about = { replayId, actor, reason, effects, decides: kind === "single", ...startsAhead, stillWanted, nextTurn: nextTurn(stillWanted) };
        const { end, position } = await delivery.must(handler).letters.replay({ stream, revision, attempts, through, ...about });
        switch (end.outcome) {
          case "replayed":
            return { outcome: "succeeded", position };
          case "dead_lettered":
            return { outcome: "failed", position, error: { type: end.error.type, message: end.error.message } };
          case "awaits_turn": // with the next turn it is asked for again
            return { outcome: "withdrawn" };
          default:
            return end;
        }
      } catch (error) {
        const reason = whyLeftAlone(error);
        if (reason === null) throw error;
        return { outcome: "skipped", reason };
      }
    },
    async withdraw(how) {
      withdrawn = true;
      // A handler that stands still starts nothing.
      await Promise.allSettled(handlers.map(async (handler) => delivery.must(handler).replays.withdraw(replayId, how)));
    },
    leaveLane() {},
    async passed() {
      await Promise.all(handlers.map(async (handler) => delivery.must(handler).replays.passed(replayId)));
    },
    followers: () => handlers.reduce((sum, handler) => sum + (delivery.find(handler)?.followers(replayId) ?? 0), 0),
    releasesLeft: () => handlers.reduce((sum, handler) => sum + (delivery.find(handler)?.releasesLeft(replayId) ?? 0), 0),
    async flushed() {},
  };
}
