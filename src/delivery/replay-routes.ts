/** What a handler does for replays, over all of its partitions. */
import { policyActor } from "../event/names.ts";
import type { Act } from "../records/act.ts";
import type { Dispatcher } from "./dispatcher/dispatcher.ts";
import type { ReplaySide as OfOne } from "./dispatcher/replay-side.ts";
import type { Instances } from "./inbox/instances.ts";
import type { Withdrawal } from "./partition/letter.ts";

export interface ReplaySide extends Pick<OfOne, keyof OfOne> {
  /** Takes back what the partitions here have of a replay that nobody runs. */
  withdrawHere(replayId: string, how: Withdrawal): Promise<void>;
}

/** A partition that another instance has. */
export interface Elsewhere {
  readonly journal: string;
  readonly instances: Instances;
}

export interface ReplayRoutes {
  /** All that work here. @throws NOT_OWNER or the fault when none does, where this instance is alone */
  readonly all: () => readonly Dispatcher[];
  /** @throws NOT_OWNER or the fault while the one that a lane belongs to does not work here */
  readonly here: (stream: string) => Dispatcher;
  /** Whether it goes to another instance, or has gone. */
  readonly hasLeft: (dispatcher: Dispatcher) => boolean;
  /** The partitions that other instances have. */
  readonly allElsewhere: () => readonly Elsewhere[];
  readonly elsewhere: (stream: string) => Elsewhere | null;
}

/** A job's own withdrawals: its acts are on record in its stream. */
const byItsJob: Act = { actor: policyActor, reason: null };

export function routedReplays({ all, here, hasLeft, allElsewhere, elsewhere }: ReplayRoutes): ReplaySide {
  const withdrawHere = async (replayId: string, how: Withdrawal): Promise<void> => {
    await Promise.all(all().map(({ replays }) => replays.withdraw(replayId, how)));
  };
  /** Those that may still have something of a replay to pass. What one that leaves has not passed goes at the replay's rate where it comes to. */
  const staying = () => all().filter((dispatcher) => !hasLeft(dispatcher));
  const passedBy = async (dispatcher: Dispatcher, replayId: string): Promise<void> => {
    try {
      await dispatcher.replays.passed(replayId);
    } catch (error) {
      if (!hasLeft(dispatcher)) throw error;
    }
  };
  return {
    pace(replayId, pace) {
      for (const { replays } of all()) replays.pace(replayId, pace);
    },
    unknownPaces: () => [...new Set(all().flatMap(({ replays }) => replays.unknownPaces()))],
    withdrawHere,
    async withdraw(replayId, how) {
      const asked = allElsewhere().map(({ journal, instances }) =>
        instances.asker.ask(journal, { act: "replay.withdraw", args: { replayId, how } }, byItsJob, { patient: true }),
      );
      const all = await Promise.allSettled([withdrawHere(replayId, how), ...asked]); // a partition that is just moving keeps no other from it
      for (const each of all) if (each.status === "rejected") throw each.reason;
    },
    async passed(replayId) {
      let wait = staying();
      do {
        await Promise.all(wait.map((dispatcher) => passedBy(dispatcher, replayId)));
        wait = staying().filter(({ replays }) => replays.followers(replayId) > 0); // of partitions that have come meanwhile
      } while (wait.length > 0);
    },
    followers: (replayId) => all().reduce((sum, { replays }) => sum + replays.followers(replayId), 0),
    releasesLeft: (replayId) => all().reduce((sum, { replays }) => sum + replays.releasesLeft(replayId), 0),
    lend(stream, replayId) {
      const other = elsewhere(stream);
      return other === null ? here(stream).replays.lend(stream, replayId) : other.instances.lend(other.journal, stream, replayId);
    },
  };
}
