/** Takes a replay up that nobody runs any more: of one instance alone every open one, of several the one whose runner has left, by a record that only one can write. */
import type { Membership } from "../delivery/ownership/cluster/membership.ts";
import { isRepriseError } from "../errors.ts";
import type { ReplayRequested, ReplayRunner } from "../records/replay.ts";
import type { PlanStream } from "./plan-stream.ts";
import type { ReadReplay, ReplayStream } from "./replay-stream.ts";

export interface TakeUpNeeds {
  readonly stream: Pick<ReplayStream, "read" | "request" | "appendBehind">;
  readonly plans: Pick<PlanStream, "read">;
  /** Null: this instance is alone. */
  readonly members: Pick<Membership, "life" | "mine" | "has" | "takesUp" | "isHeard"> | null;
}

export interface TakenUp extends ReadReplay {
  readonly request: ReplayRequested;
}

/** @returns null for one that has ended, or that another instance runs. */
export async function takeUp(needs: TakeUpNeeds, replayId: string, planId: string | null): Promise<TakenUp | null> {
  const { stream, plans, members } = needs;
  for (;;) {
    const read = await stream.read(replayId);
    const { stored } = read;
    if (stored.ended !== null) return null; // the views are a moment behind
    // The process may have ended after the plan was made this replay's, and before the replay's first event.
    const used = stored.request === null && planId !== null ? ((await plans.read(planId))?.used ?? null) : null;
    const request = stored.request ?? used;
    if (request === null) return null;
    const runner = stored.runner ?? used?.runner ?? null;
    if (members !== null && !isLeft(runner, members)) return null;
    const me = members?.mine();
    try {
      if (used !== null) {
        stored.request = me === undefined ? used : { ...used, runner: me };
        const { revision } = await stream.request(stored.request, [], true);
        return { ...read, request: stored.request, last: revision };
      }
      if (me === undefined) return { ...read, request };
      const { revision } = await stream.appendBehind(read, "replay.claimed", { ...me, from: runner?.instance ?? null });
      return { ...read, request, last: revision };
    } catch (error) {
      if (members === null || !isRepriseError(error, "REVISION_CONFLICT")) throw error;
    }
  }
}

/** A runner that takes part still is never replaced, however long nothing comes of it: others decide whether it takes part. */
function isLeft(runner: ReplayRunner | null, members: NonNullable<TakeUpNeeds["members"]>): boolean {
  if (runner !== null && runner.life === members.life) return members.isHeard; // its own, which was cut off
  return members.takesUp && (runner === null || !members.has(runner.life));
}
