/** What replays are asked with, and what the store answers about them. */
import type { FailureText } from "../catalog/catalog.ts";
import type { PositionText as Position } from "../event/event.ts";
import type { AskedTerms } from "../records/replay.ts";
import type { JobFigures } from "../replay/job-figures.ts";
import type { ReportItem } from "../replay/report.ts";
import type { PageOptions } from "../views/model/page.ts";
import type { ReplayStatus, ReplayView } from "../views/model/replay.ts";
import type { ActOptions, CallerOptions } from "./caller.ts";

export interface ReplayOptions extends ActOptions {
  /** Needed when several handlers dead-lettered the event. */
  readonly handler?: string;
  /** Delivers the event to this handler instead. The dead letter stays what it is. */
  readonly targetHandler?: string;
  /** Of the config: makes the data that is delivered. */
  readonly migration?: string;
  /** How long the call waits for the end. Default 10 s. */
  readonly patienceMs?: number;
}

export interface ReplayBatchOptions extends ActOptions {
  /** 1 to 1000, default 100. */
  readonly maxEvents?: number;
  readonly ratePerSecond?: number;
  /** Of the config: makes the data that is delivered. */
  readonly migration?: string;
  /** How long the call waits for the end. Default 30 s. */
  readonly patienceMs?: number;
}

export interface PlanOptions extends CallerOptions {
  /** Delivers the events to this handler instead. The dead letters stay what they are. */
  readonly targetHandler?: string;
  /** For the estimate. */
  readonly ratePerSecond?: number;
}

export interface StartReplayOptions extends ActOptions {
  readonly reason: string;
  readonly terms: AskedTerms;
}

export interface SteerOptions extends ActOptions {
  /** How long the call waits until a cancellation is on record everywhere. Default 5 s. */
  readonly patienceMs?: number;
}

export interface ReplayPageOptions extends PageOptions {
  readonly tenant?: string;
}

export interface ReplayResult {
  /** `processing`: not over after the patience (10 s single, 30 s batch); follow it by `replayId`. */
  readonly status: "replayed" | "dead_lettered" | "processing";
  readonly replayId: string;
  readonly deliveryId: string;
  readonly originalEventId: string;
  readonly error: FailureText | null;
  readonly position: Position;
}

export interface ReplayBatchResult {
  readonly replayId: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Left alone, and why. */
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  readonly remaining: number;
  readonly position: Position;
}

/** A replay as it is right now: what the views know, and what only the process that runs it knows. */
export interface ReplayState extends ReplayView, Pick<JobFigures, "followers" | "releasesLeft" | "secondsLeft"> {}

export interface ReplayStates {
  readonly replays: readonly ReplayState[];
  readonly nextCursor: string | null;
}

export interface ReplayActed {
  readonly replayId: string;
  readonly status: ReplayStatus;
  readonly position: Position;
}

export interface ReplayStarted extends ReplayActed {
  /** Items that the replay has. */
  readonly total: number;
}

export interface ReplayReport {
  readonly items: readonly ReportItem[];
  readonly nextCursor: string | null;
}
