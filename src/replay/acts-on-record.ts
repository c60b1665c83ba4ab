/**
 * What operators do to a replay where several instances share the work: whichever of them is asked puts the act into the replay's stream, and its runner hears
 * of it there. An act stands behind what it was judged on, or is judged anew.
 */
import { notInTime, type Patience, withPatience } from "../delivery/journal/patience.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import { isUuid } from "../event/ids.ts";
import { defaultTenant } from "../event/names.ts";
import { pause } from "../event/waits.ts";
import type { Act } from "../records/act.ts";
import type { ReplayStreamData } from "../records/replay.ts";
import type { Views } from "../views/model/views.ts";
import { type ActsOnJobs, actOf, type ReplayVerb } from "./act-on-job.ts";
import type { Chosen } from "./chosen.ts";
import { foldReplay } from "./job-progress.ts";
import { cutOffError, isCancelled, mustGoOn, phaseOnRecord, statusOf } from "./phase.ts";
import type { ReadReplay, ReplayStream } from "./replay-stream.ts";

export interface ActsOnRecordNeeds {
  readonly stream: Pick<ReplayStream, "read" | "readOn" | "appendBehind">;
  readonly views: Pick<Views, "replay">;
  readonly clock: Clock;
}

type ActType = "replay.pausing" | "replay.resumed" | "replay.cancelling" | "replay.rate_changed";
/** What is to be recorded, and null where nothing is; `wait`: not before the replay stands still. */
type Judged = { readonly [T in ActType]: { readonly type: T; readonly data: ReplayStreamData[T] } }[ActType] | "wait" | null;

/** Between two looks at the stream, for what its runner has to do first. */
const lookMs = 100;

export function makeActsOnRecord({ stream, views, clock }: ActsOnRecordNeeds): ActsOnJobs {
  /** @throws NOT_FOUND, also for another tenant's; LOG_UNAVAILABLE while its records are being stored */
  async function find(replayId: string, tenant: string): Promise<ReadReplay> {
    const read = isUuid(replayId) ? await stream.read(replayId) : null;
    const request = read?.stored.request ?? null;
    if (read !== null && request !== null && (request.tenant ?? defaultTenant) === tenant) return read;
    if (read !== null && request === null && (await views.replay(tenant, replayId)) !== undefined) throw cutOffError();
    throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
  }

  /** @returns the replay with the act; the position is null where there was nothing to do. */
  async function record(replay: ReadReplay, judge: (replay: ReadReplay) => Judged, patience: Patience): Promise<[ReadReplay, Position | null]> {
    for (let read = replay; ; read = await stream.readOn(read)) {
      const judged = judge(read);
      if (judged === null) return [read, null];
      if (patience.over) throw notInTime();
      if (judged === "wait") await pause(lookMs, clock);
      else
        try {
          const { position: at, revision: last } = await stream.appendBehind(read, judged.type, judged.data);
          foldReplay(read.stored, judged);
          return [{ ...read, at, last }, at];
        } catch (error) {
          if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
        }
    }
  }

  /** Waits for the replay's end, for so long at most. */
  async function ended(replay: ReadReplay, patienceMs: number): Promise<ReadReplay> {
    const untilMs = clock.monotonicMs() + patienceMs;
    let read = replay;
    while (read.stored.ended === null && clock.monotonicMs() < untilMs) {
      await pause(lookMs, clock);
      read = await stream.readOn(read);
    }
    return read;
  }

  const acted = (replayId: string, judge: (replay: ReadReplay) => Judged, { tenant }: Pick<Chosen, "tenant">) =>
    withPatience(clock, async (patience) => record(await find(replayId, tenant), judge, patience));
  const statusNow = ({ stored }: ReadReplay) => statusOf(phaseOnRecord(stored));

  return {
    async act(replayId, verb, { patienceMs, ...chosen }) {
      const [replay, position] = await acted(replayId, (read) => judges[verb](read, actOf(chosen)), chosen);
      if (verb !== "cancel") return { status: statusNow(replay), position: position ?? 0n };
      const end = await ended(replay, patienceMs);
      return { status: statusNow(end), position: end.at };
    },

    async setRate(replayId, ratePerSecond, chosen) {
      const judge = ({ stored }: ReadReplay): Judged => {
        mustGoOn(phaseOnRecord(stored));
        return { type: "replay.rate_changed", data: { ratePerSecond, act: actOf(chosen) } };
      };
      const [replay, position] = await acted(replayId, judge, chosen);
      return { status: statusNow(replay), position: position ?? 0n };
    },
  };
}

/** @throws REPLAY_ENDED */
const judges: Readonly<Record<ReplayVerb, (replay: ReadReplay, act: Act) => Judged>> = {
  pause({ stored }, act) {
    const phase = phaseOnRecord(stored);
    mustGoOn(phase);
    return phase.kind === "running" ? { type: "replay.pausing", data: { act } } : null;
  },
  resume({ stored }, act) {
    const phase = phaseOnRecord(stored);
    mustGoOn(phase);
    if (phase.kind === "pausing") return "wait";
    return phase.kind === "paused" ? { type: "replay.resumed", data: { act } } : null;
  },
  cancel({ stored }, act) {
    const phase = phaseOnRecord(stored);
    if (isCancelled(phase)) return null;
    mustGoOn(phase);
    return { type: "replay.cancelling", data: { act } };
  },
};
