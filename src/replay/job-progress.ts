/** What the stream of a replay says, folded event by event. Pure: the same events always give the same progress, in however many parts they are read. */
import { noEnds, withEnd } from "../delivery/partition/ends.ts";
import type { Ends } from "../records/attempt.ts";
import type { ReplayEntry, ReplayReport, ReplayRequested, ReplayRunner, ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";

/** How far a job came before the process ended. */
export interface JobProgress {
  /** Outcomes on record, by the item's place. */
  readonly outcomes: ReadonlyMap<number, "succeeded" | "failed">;
  /** Somebody paused the replay, and nobody resumed it. */
  readonly paused: boolean;
  readonly cancelling: boolean;
  /** Why the replay had begun to stop by itself; null when it had not. */
  readonly stopping: string | null;
  readonly canaryPassed: boolean;
}

export const noProgress: JobProgress = { outcomes: new Map(), paused: false, cancelling: false, stopping: null, canaryPassed: false };

/** A delivery of the replay's own that was about to be called. */
interface StartedItem {
  /** What earlier ends of the process say of it. */
  readonly ends: Ends;
  /** The process that called it; null in the records of the first builds, which counted its end as they started it. */
  readonly life: string | null;
  /** Nothing else of that process ran meanwhile. */
  readonly alone: boolean;
}

/** All that the stream says. `foldReplay` changes it. */
export interface StoredReplay extends JobProgress {
  /** With the rate that was set last. Null when the stream is empty. */
  request: ReplayRequested | null;
  /** Empty when the items stand in the plan's stream. */
  readonly items: ReplayItem[];
  readonly outcomes: Map<number, "succeeded" | "failed">;
  readonly started: Map<number, StartedItem>;
  paused: boolean;
  cancelling: boolean;
  stopping: string | null;
  canaryPassed: boolean;
  /** Nothing of it ran any more when it was paused. */
  stoodStill: boolean;
  /** Null: an instance alone runs it. */
  runner: ReplayRunner | null;
  ended: ReplayReport["status"] | null;
}

export function emptyReplay(): StoredReplay {
  return {
    ...{ request: null, items: [], outcomes: new Map(), started: new Map() },
    ...{ paused: false, cancelling: false, stopping: null, canaryPassed: false, stoodStill: false, runner: null, ended: null },
  };
}

/** Takes the next event in. Types that a later build has added are passed over. */
export function foldReplay(replay: StoredReplay, { type, data }: ReplayEntry): void {
  switch (type) {
    case "replay.requested":
      replay.request = data;
      replay.runner = data.runner ?? null;
      return;
    case "replay.claimed":
      replay.runner = { instance: data.instance, life: data.life };
      return;
    case "replay.items":
      for (const item of data.items) replay.items.push(item);
      return;
    case "replay.pausing":
      replay.paused = true;
      replay.stoodStill = false;
      return;
    case "replay.paused":
      replay.stoodStill = true;
      return;
    case "replay.resumed":
      replay.paused = false;
      return;
    case "replay.rate_changed":
      if (replay.request !== null) replay.request = { ...replay.request, ratePerSecond: data.ratePerSecond };
      return;
    case "replay.cancelling":
      replay.cancelling = true;
      return;
    case "replay.stopping":
      replay.stopping = data.why;
      return;
    case "replay.canary_passed":
      replay.canaryPassed = true;
      return;
    case "replay.started":
      for (const place of data.items) replay.started.set(place, startedItem(replay.started.get(place), data));
      return;
    case "replay.outcomes":
      for (const { item, outcome } of data.outcomes) replay.outcomes.set(item, outcome);
      return;
    case "replay.ended":
      replay.ended = data.status;
  }
}

function startedItem(before: StartedItem | undefined, { ends, life, alone = true }: ReplayStreamData["replay.started"]): StartedItem {
  return { ends: ends ?? withEnd(before?.ends ?? noEnds, { alone: true, isTold: true }), life: life ?? null, alone };
}

/**
 * The replay's own deliveries that were called and have no outcome: each may have ended the process.
 *
 * @param told whether a process told its end.
 */
export function suspectsOf({ started, outcomes }: Pick<StoredReplay, "started" | "outcomes">, told: (life: string) => boolean): ReadonlyMap<number, Ends> {
  const suspects = new Map<number, Ends>();
  for (const [place, { ends, life, alone }] of started)
    if (!outcomes.has(place)) suspects.set(place, life === null ? ends : withEnd(ends, { alone, isTold: told(life) }));
  return suspects;
}
