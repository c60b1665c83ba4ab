/** A replay at work: starts its items in order, and pauses, stops and ends as its phase says. Its stream is its memory and its audit. */
import type { FailureText } from "../catalog/catalog.ts";
import type { Pace } from "../delivery/partition/pace.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { ReplayReport } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { ReplayStatus } from "../views/model/replay.ts";
import { Canary } from "./canary.ts";
import { Feed } from "./feed.ts";
import { JobActs } from "./job-acts.ts";
import { JobEnd, recordEnd } from "./job-end.ts";
import { type JobFigures, JobTally } from "./job-figures.ts";
import { JobItems } from "./job-items.ts";
import type { JobProgress } from "./job-progress.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { cutOff, firstPhase, isOver, type Phase, paused, type Stage, stageOf, statusOf, stopping, withStage } from "./phase.ts";
import type { ReplayRecord } from "./replay-stream.ts";
import type { JobRequest, Runner } from "./runner.ts";
import { StopRules } from "./stop-rules.ts";

/** It starts its other items, now or once it is resumed. */
const goesOn: readonly ReplayStatus[] = ["running", "pausing", "paused"];

export interface JobNeeds {
  readonly request: JobRequest;
  readonly items: readonly ReplayItem[];
  /** How far the replay came before the process ended. */
  readonly progress: JobProgress;
  readonly runner: Runner;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly record: ReplayRecord;
  /** Dead letters of the streams now, by handler, stream and revision: a canary may not add to them. */
  readonly letters: (streams: ReadonlySet<string>) => readonly string[];
  /** Dead letters of its handlers that came after the replay had chosen its own. */
  readonly newSince: () => Promise<number>;
  /** Outcomes on record by now, where others than this job may have had its items delivered. Null: they do not. */
  readonly onRecord: (() => Promise<JobProgress["outcomes"]>) | null;
  /** Told when the job is cut off: it goes on at the next start. */
  readonly onCutOff: (error: unknown) => void;
}

export class Job {
  /** What operators do to it. */
  readonly acts: JobActs;
  readonly #needs: JobNeeds;
  readonly #tally: JobTally;
  readonly #items: JobItems;
  /** Null without one, and for a job whose canary has passed before. */
  readonly #canary: Canary | null;
  readonly #end = new JobEnd();
  readonly #takeNextStep: () => Promise<void>;
  #phase: Phase;

  constructor(needs: JobNeeds) {
    const { request, items, progress, runner, pace, clock, letters, record } = needs;
    this.#needs = needs;
    const phase = () => this.#phase;
    const terms = progress.canaryPassed ? null : (request.canary ?? null);
    this.#tally = new JobTally(items.length, progress.outcomes, clock);
    const feed = new Feed(items, (place) => progress.outcomes.has(place), terms?.entities ?? null);
    const rules = new StopRules(request.stopWhen ?? null, items.length, this.#tally.outcomes());
    this.#items = new JobItems({
      ...{ items, feed, rules, tally: this.#tally, runner, phase },
      onOutcome: ({ lane }, failed, why) => {
        this.#canary?.delivered(lane);
        if (why !== null) this.#stop(why);
        else if (failed && stageOf(this.#phase) === "canary") this.#stop("a delivery of the canary failed");
      },
      onEnd: () => this.#pump(),
      onBreak: (error) => this.#break(error),
    });
    this.#canary = terms && new Canary({ terms, feed, clock, letters, record }, lanesOf(items, progress.outcomes.keys()));
    this.#phase = firstPhase(progress, terms !== null);
    this.#tally.measureIn(this.#phase);
    if (this.#phase.kind === "pausing") pace.hold(true); // before any handler is told of the pace: it would let followers through
    this.acts = new JobActs({ record, pace, clock, phase, enter: (next) => this.#enter(next) });
    this.#takeNextStep = oneAtATime(
      () => this.#nextStep(),
      () => this.#pump(),
    );
  }

  get request(): JobRequest {
    return this.#needs.request;
  }

  /** The last failure of an item. */
  get lastError(): FailureText | null {
    return this.#tally.lastError;
  }

  /** When it has ended. */
  get end(): Pick<JobEnd, "ofItems" | "ofJob"> {
    return this.#end;
  }

  figures(): JobFigures {
    const { items, runner, pace } = this.#needs;
    const status = statusOf(this.#phase);
    const releasesLeft = runner.releasesLeft() + (goesOn.includes(status) ? this.#items.releasesAhead : 0);
    return {
      status,
      total: items.length,
      ...this.#tally.outcomes(),
      followers: runner.followers(),
      releasesLeft,
      secondsLeft: status === "running" ? this.#tally.secondsLeft(pace.perSecond, releasesLeft) : null,
    };
  }

  start(): void {
    if (stageOf(this.#phase) === "canary") this.#canary?.begin();
    const { kind } = this.#phase;
    if (kind !== "running") this.#guard(this.#needs.runner.withdraw(kind === "pausing" ? "pause" : "stop"));
    this.#pump();
  }

  /** @param why default: the service stops, and the replay goes on when it starts again. */
  cutOff(why: unknown = serviceStops()): void {
    this.#break(why);
  }

  // Phases ------------------------------------------------------------------------------------------------------------------------------------

  #enter(phase: Phase): void {
    const { pace, runner } = this.#needs;
    this.#phase = phase;
    this.#tally.measureIn(phase);
    this.acts.phaseEntered();
    if (phase.kind === "ended") pace.hold(false); // a pause may have been recorded beside the end
    if (phase.kind === "paused" || isOver(phase)) return;
    this.#canary?.letGo();
    if (phase.kind === "pausing") {
      pace.hold(true);
      this.#guard(runner.withdraw("pause"));
    } else {
      if (phase.kind !== "running") this.#guard(runner.withdraw("stop"));
      pace.hold(false); // what was released before is live delivery again
    }
    this.#pump();
  }

  /** @returns false when the job is about to end, and has no further stage. */
  #reach(stage: Stage): boolean {
    this.#phase = withStage(this.#phase, stage);
    if (stage === "all") this.#tally.measureIn(this.#phase);
    return stageOf(this.#phase) === stage;
  }

  /** By its own rules. */
  #stop(why: string): void {
    const phase = stopping(this.#phase, why);
    if (phase === null) return;
    this.#guard(this.#needs.record.persist("replay.stopping", { why }));
    this.#enter(phase);
  }

  /** Cuts the job off when the promise rejects. */
  #guard(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.#break(error));
  }

  #break(error: unknown): void {
    const phase = cutOff(this.#phase);
    if (phase === null) return;
    this.#canary?.letGo();
    this.#end.cutOff(error);
    this.#enter(phase);
    this.#needs.onCutOff(error);
  }

  // At work -----------------------------------------------------------------------------------------------------------------------------------

  #pump(): void {
    this.#items.startNext();
    if (this.#items.noneRuns && !isOver(this.#phase)) this.#guard(this.#takeNextStep());
  }

  // No item runs: what is next? ---------------------------------------------------------------------------------------------------------------

  async #nextStep(): Promise<void> {
    const phase = this.#phase;
    switch (phase.kind) {
      case "cancelling":
        return this.#finish("cancelled", phase.why);
      case "stopping":
        return this.#finish("stopped", phase.why);
      case "pausing":
        return this.#standStill();
      case "running":
        if (phase.stage === "canary") this.#canaryIsIdle(this.#canary!);
        else if (phase.stage === "all") await this.#itemsAreOver();
        else if (phase.stage === "passed") await this.#finish("completed", null);
    }
  }

  async #standStill(): Promise<void> {
    const { runner, record } = this.#needs;
    const asked = this.#phase;
    await runner.flushed();
    if (this.#phase !== asked) return;
    await record.persist("replay.paused", {});
    const phase = paused(asked);
    if (phase !== null && this.#phase === asked) this.#enter(phase); // otherwise it was resumed and paused again meanwhile: that pause has a record of its own
  }

  #canaryIsIdle(canary: Canary): void {
    if (canary.widen()) this.#pump();
    else if (canary.tested === 0 && this.#needs.items.length > 0) this.#stop("nothing of the canary could be delivered: every item was skipped");
    else {
      this.#reach("holding");
      this.#guard(
        canary.hold().then((outcome) => {
          if (outcome === "failed") this.#stop("an event that the canary released failed");
          else if (outcome === "passed" && this.#reach("all")) this.#pump();
        }),
      );
    }
  }

  async #itemsAreOver(): Promise<void> {
    const { runner } = this.#needs;
    const { position } = this.#tally;
    await runner.flushed();
    this.#end.itemsEnded(position);
    if (!this.#reach("passing")) return;
    this.#guard(
      runner.passed().then(() => {
        if (this.#reach("passed")) this.#pump();
      }),
    );
  }

  async #finish(status: ReplayReport["status"], why: string | null): Promise<void> {
    const position = await recordEnd({ ...this.#needs, tally: this.#tally }, status, why);
    if (isOver(this.#phase)) return; // it was cut off meanwhile
    this.#enter({ kind: "ended", status });
    this.#end.jobEnded(position);
  }
}

function lanesOf(items: readonly ReplayItem[], places: Iterable<number>): readonly string[] {
  return Array.from(places).flatMap((place) => items[place]?.lane ?? []);
}

function serviceStops(): RepriseError {
  return new RepriseError("LOG_UNAVAILABLE", "The service stops; the replay goes on when it starts again.", { retryAfterMs: 1000 });
}
