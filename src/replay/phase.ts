/** Where a job stands, and where it may go from there. Pure. */
import { RepriseError } from "../errors.ts";
import type { ReplayReport } from "../records/replay.ts";
import type { ReplayStatus } from "../views/model/replay.ts";
import type { JobProgress, StoredReplay } from "./job-progress.ts";

/** How far a job has come with its items. */
export type Stage =
  /** Only items of the canary's entities start. */
  | "canary"
  /** The canary's items are over: the job waits whether an event that they released fails. */
  | "holding"
  /** All items may start. */
  | "all"
  /** Every item is over: the job waits until what they released has been delivered. */
  | "passing"
  | "passed";

export type Phase =
  | { readonly kind: "running" | "pausing" | "paused"; readonly stage: Stage }
  /** By its own rules: nothing starts any more. */
  | { readonly kind: "stopping"; readonly why: string; readonly shown: "running" | "pausing" | "paused" }
  /** By an operator. `why`: it was stopping at the same time. */
  | { readonly kind: "cancelling"; readonly why: string | null }
  | { readonly kind: "ended"; readonly status: ReplayReport["status"] }
  /** The service stops, or the log or a handler failed: the job goes on at the next start. */
  | { readonly kind: "cut_off"; readonly shown: ReplayStatus };

/** @param hasCanary whether its terms ask for one. */
export function firstPhase({ cancelling, stopping, paused, canaryPassed }: JobProgress, hasCanary: boolean): Phase {
  if (cancelling) return { kind: "cancelling", why: stopping };
  if (stopping !== null) return { kind: "stopping", why: stopping, shown: paused ? "pausing" : "running" };
  return { kind: paused ? "pausing" : "running", stage: hasCanary && !canaryPassed ? "canary" : "all" };
}

/** As the stream alone tells it: whoever asks need not run it. */
export function phaseOnRecord(stored: StoredReplay): Phase {
  if (stored.ended !== null) return { kind: "ended", status: stored.ended };
  const phase = firstPhase(stored, false);
  return (stored.stoodStill && paused(phase)) || phase;
}

export function statusOf(phase: Phase): ReplayStatus {
  switch (phase.kind) {
    case "ended":
      return phase.status;
    case "stopping":
    case "cut_off":
      return phase.shown;
    default:
      return phase.kind;
  }
}

/** Nothing of the job happens any more in this process. */
export const isOver = ({ kind }: Phase): boolean => kind === "ended" || kind === "cut_off";

/** Somebody has cancelled it, whether that is over or not. */
export const isCancelled = (phase: Phase): boolean => phase.kind !== "cut_off" && ["cancelling", "cancelled"].includes(statusOf(phase));

export function stageOf(phase: Phase): Stage | null {
  return "stage" in phase ? phase.stage : null;
}

/** @returns the same phase where it has no stage any more. */
export function withStage(phase: Phase, stage: Stage): Phase {
  return "stage" in phase ? { ...phase, stage } : phase;
}

/** @returns null where there is nothing to pause. */
export function pausing(phase: Phase): Phase | null {
  if (phase.kind !== "running") return null;
  return { kind: "pausing", stage: phase.stage === "holding" ? "canary" : phase.stage }; // the wait of the canary begins anew afterwards
}

export function paused(phase: Phase): Phase | null {
  return phase.kind === "pausing" ? { ...phase, kind: "paused" } : null;
}

export function resumed(phase: Phase): Phase | null {
  return phase.kind === "paused" ? { ...phase, kind: "running" } : null;
}

/** @returns null where the job ends anyway. */
export function stopping(phase: Phase, why: string): Phase | null {
  return "stage" in phase ? { kind: "stopping", why, shown: phase.kind } : null;
}

/** @returns null where somebody has cancelled it already, or it is over. */
export function cancelling(phase: Phase): Phase | null {
  if (isOver(phase) || phase.kind === "cancelling") return null;
  return { kind: "cancelling", why: phase.kind === "stopping" ? phase.why : null };
}

export function cutOff(phase: Phase): Phase | null {
  return isOver(phase) ? null : { kind: "cut_off", shown: statusOf(phase) };
}

/** @throws REPLAY_ENDED, LOG_UNAVAILABLE when the job was cut off: nobody can change it now. */
export function mustGoOn(phase: Phase): void {
  if (phase.kind === "cut_off") throw cutOffError();
  if (!("stage" in phase)) throw endedError(phase, phase.kind === "ended" ? phase.status : "about to end");
}

export function endedError(phase: Phase, what: string = statusOf(phase)): RepriseError {
  return new RepriseError("REPLAY_ENDED", `The replay is ${what}.`, { fields: { status: statusOf(phase) } });
}

export function cutOffError(): RepriseError {
  return new RepriseError("LOG_UNAVAILABLE", "The replay was cut off; it goes on when the service starts again.", { retryAfterMs: 1000 });
}
