/** A replay at work: starts the items of its plan in order, and stops, pauses and ends as it is told. Its stream is its memory and its audit. */

import type { FailureText } from "../catalog/catalog.ts";
import { notInTime, type Patience } from "../delivery/journal/patience.ts";
import type { Pace } from "../delivery/partition/pace.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { Act } from "../records/act.ts";
import type { ReplayReport, ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { ReplayStatus } from "../views/model.ts";
import { Feed } from "./feed.ts";
import type { ItemEnd, JobRequest, Runner } from "./runner.ts";
import { StopRules } from "./stop-rules.ts";

/** What the stream says of a replay that ran before. */
export interface JobProgress {
  /** Outcomes on record, by place. */
  readonly outcomes: ReadonlyMap<number, "succeeded" | "failed">;
  readonly paused: boolean;
  readonly cancelling: boolean;
  readonly stopping: string | null;
  readonly canaryPassed: boolean;
}

export const noProgress: JobProgress = { outcomes: new Map(), paused: false, cancelling: false, stopping: null, canaryPassed: false };

export interface JobOptions {
  readonly request: JobRequest;
  readonly items: readonly ReplayItem[];
  readonly progress: JobProgress;
  readonly runner: Runner;
  readonly pace: Pace;
  readonly clock: Clock;
  /** Appends to the replay's stream, or fails: then nothing is stored. */
  readonly append: <T extends keyof ReplayStreamData>(type: T, data: ReplayStreamData[T]) => Promise<Position>;
  /** The same, however long it takes; rejects when the service stops. */
  readonly persist: <T extends keyof ReplayStreamData>(type: T, data: ReplayStreamData[T]) => Promise<Position>;
  /** Dead letters of the streams now, by handler, stream and revision: what a canary may not add to. */
  readonly letters: (streams: ReadonlySet<string>) => readonly string[];
  readonly newSince: () => Promise<number>;
  /** Told when it is cut off: it goes on at the next start. */
  readonly onCutOff: (error: unknown) => void;
}

export interface JobFigures {
  readonly status: ReplayStatus;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly { readonly reason: string; readonly count: number }[];
  /** Entities whose held events are still on their way. */
  readonly followers: number;
  /** At the rate, or as fast as it went so far; null when that is not known. */
  readonly secondsLeft: number | null;
}

/** Items under way at once: those that wait for their turn included. */
const itemsAtOnce = 64;
/** Reasons that a report tells apart: a migration's may name something else for each item. */
const maxReasons = 50;

export class Job {
  readonly #options: JobOptions;
  readonly #feed: Feed;
  readonly #rules: StopRules;
  readonly #running = new Set<number>();
  readonly #skips = new Map<string, number>();
  readonly #succeededBefore: number;
  #succeeded = 0;
  #failed = 0;
  #status: ReplayStatus = "running";
  #why: string | null = null;
  #canary: "running" | "holding" | "over";
  readonly #lettersBefore = new Set<string>();
  /** Entities of which something was delivered: only they have tested anything. */
  readonly #tested = new Set<string>();
  #hold: { cancel(): void } | null = null;
  #passing: "no" | "waiting" | "done" = "no";
  #resting = false;
  #restAgain = false;
  #over = false;
  #position: Position = 0n;
  #lastError: FailureText | null = null;
  readonly #startedMs: number;
  readonly #itemsEnded = Promise.withResolvers<Position>();
  readonly #ended = Promise.withResolvers<Position>();
  #still: (() => void)[] = [];

  constructor(options: JobOptions) {
    const { request, items, progress, clock } = options;
    this.#options = options;
    for (const [place, outcome] of progress.outcomes) {
      if (outcome === "succeeded") this.#succeeded++;
      else this.#failed++;
      const item = items[place];
      if (item !== undefined) this.#tested.add(item.lane);
    }
    this.#succeededBefore = this.#succeeded + this.#failed;
    const canary = progress.canaryPassed ? null : (request.canary?.entities ?? null);
    this.#canary = canary === null ? "over" : "running";
    this.#feed = new Feed(items, (place) => progress.outcomes.has(place), canary);
    this.#rules = new StopRules(request.stopWhen ?? null, items.length, { succeeded: this.#succeeded, failed: this.#failed });
    if (progress.cancelling) this.#status = "cancelling";
    else if (progress.paused) {
      this.#status = "pausing";
      options.pace.hold(true); // before any handler is told of the pace, or it lets followers through
    }
    this.#why = progress.stopping;
    this.#startedMs = clock.monotonicMs();
    this.#itemsEnded.promise.catch(() => {});
    this.#ended.promise.catch(() => {});
  }

  get replayId(): string {
    return this.#options.request.replayId;
  }

  get request(): JobRequest {
    return this.#options.request;
  }

  get pace(): Pace {
    return this.#options.pace;
  }

  get status(): ReplayStatus {
    return this.#status;
  }

  /** The last failure of an item. */
  get lastError(): FailureText | null {
    return this.#lastError;
  }

  /** Every item is over; what they released may still be on its way. Position of the last record of them. */
  get itemsEnded(): Promise<Position> {
    return this.#itemsEnded.promise;
  }

  /** Its end is on record. */
  get ended(): Promise<Position> {
    return this.#ended.promise;
  }

  figures(): JobFigures {
    const { items, runner, pace, clock } = this.#options;
    const skipped = this.#skipped();
    const left = items.length - this.#succeeded - this.#failed - skipped;
    const done = this.#succeeded + this.#failed + skipped - this.#succeededBefore;
    const perSecond = pace.perSecond ?? (done === 0 ? null : (done * 1000) / Math.max(1, clock.monotonicMs() - this.#startedMs));
    return {
      status: this.#status,
      total: items.length,
      succeeded: this.#succeeded,
      failed: this.#failed,
      skipped,
      skips: Array.from(this.#skips, ([reason, count]) => ({ reason, count })),
      followers: runner.followers(),
      secondsLeft: this.#status !== "running" ? null : left === 0 ? 0 : perSecond === null ? null : Math.ceil(left / perSecond),
    };
  }

  start(): void {
    const { runner } = this.#options;
    if (this.#canary !== "over") this.#rememberLetters(this.#feed.canary);
    if (this.#status === "cancelling" || this.#why !== null) this.#guard(runner.withdraw("stop"));
    this.#pump();
  }

  // Acts --------------------------------------------------------------------------------------------------------------------------------------

  /** @returns position of the act's record; null when there was nothing to do. @throws REPLAY_ENDED */
  async pause(act: Act): Promise<Position | null> {
    this.#mustGoOn();
    if (this.#status === "pausing" || this.#status === "paused") return null;
    this.#mustBe("running");
    const position = await this.#options.append("replay.pausing", { act });
    if (this.#status !== "running") return position;
    this.#status = "pausing";
    this.#hold?.cancel();
    this.#hold = null;
    this.#options.pace.hold(true);
    this.#guard(this.#options.runner.withdraw("pause"));
    this.#pump();
    return position;
  }

  /** @param patience whoever asks may have gone when the replay stands still. */
  async resume(act: Act, patience: Patience): Promise<Position | null> {
    this.#mustGoOn();
    if (this.#status === "running") return null;
    await this.#whenStill();
    if (patience.over) throw notInTime();
    this.#mustBe("paused");
    const position = await this.#options.append("replay.resumed", { act });
    if (this.#status !== "paused") return position;
    this.#status = "running";
    if (this.#canary === "holding") this.#canary = "running";
    this.#options.pace.hold(false);
    this.#pump();
    return position;
  }

  async cancel(act: Act): Promise<Position | null> {
    if (this.#status === "cancelling" || this.#status === "cancelled") return null;
    this.#mustGoOn();
    const position = await this.#options.append("replay.cancelling", { act });
    if (this.#over) return position;
    this.#status = "cancelling";
    this.#stopStarting();
    return position;
  }

  async setRate(ratePerSecond: number | null, act: Act): Promise<Position> {
    this.#mustGoOn();
    const position = await this.#options.append("replay.rate_changed", { ratePerSecond, act });
    this.#options.pace.set(ratePerSecond, this.#options.clock.monotonicMs());
    return position;
  }

  /** The service stops: the replay goes on when it starts again. */
  cutOff(): void {
    this.#break(new RepriseError("LOG_UNAVAILABLE", "The service stops; the replay goes on when it starts again.", { retryAfterMs: 1000 }));
  }

  /** Resolves when nothing of it is about to change by itself: paused, ended, or running on. */
  async #whenStill(): Promise<void> {
    if (this.#status !== "pausing") return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#still.push(resolve);
    await promise;
  }

  #mustGoOn(): void {
    if (this.#over && this.#status !== "completed" && this.#status !== "stopped" && this.#status !== "cancelled")
      throw new RepriseError("LOG_UNAVAILABLE", "The replay was cut off; it goes on when the service starts again.", { retryAfterMs: 1000 });
    if (this.#over || this.#status === "cancelling" || this.#why !== null)
      throw new RepriseError("REPLAY_ENDED", `The replay is ${this.#over ? this.#status : "about to end"}.`, { fields: { status: this.#status } });
  }

  #mustBe(status: ReplayStatus): void {
    if (this.#status !== status) throw new RepriseError("REPLAY_ENDED", `The replay is ${this.#status}.`, { fields: { status: this.#status } });
  }

  // At work -----------------------------------------------------------------------------------------------------------------------------------

  #pump(): void {
    while (!this.#over && this.#goesOn() && this.#running.size < itemsAtOnce) {
      const place = this.#feed.next();
      if (place === undefined) break;
      this.#run(place);
    }
    if (!this.#over && this.#running.size === 0) this.#rest();
  }

  #goesOn(): boolean {
    return this.#status === "running" && this.#why === null;
  }

  #run(place: number): void {
    this.#running.add(place);
    this.#options.runner.run(place, this.#options.items[place]!).then(
      (end) => this.#itemEnded(place, end),
      (error: unknown) => this.#break(error),
    );
  }

  #itemEnded(place: number, end: ItemEnd): void {
    if (this.#over) return;
    const { runner, items } = this.#options;
    this.#running.delete(place);
    if (end.outcome === "withdrawn") {
      this.#feed.putBack(place);
      runner.leaveLane(items[place]!);
    } else {
      if (end.outcome === "skipped") this.#skip(end.reason, 1);
      else {
        this.#tested.add(items[place]!.lane);
        this.#count(end);
      }
      if (end.outcome !== "succeeded" && runner.endsLane !== null) this.#skip(runner.endsLane, this.#feed.dropLane(place).length);
      if (!this.#feed.hasMore(place) || !this.#goesOn()) runner.leaveLane(items[place]!);
      this.#feed.ended(place);
    }
    this.#pump();
  }

  #count(end: Extract<ItemEnd, { position: Position }>): void {
    if (end.position > this.#position) this.#position = end.position;
    const failed = end.outcome === "failed";
    if (failed) {
      this.#failed++;
      this.#lastError = end.error;
    } else this.#succeeded++;
    const why = this.#rules.add(failed);
    if (why !== null) this.#stop(why);
    else if (failed && this.#canary !== "over") this.#stop("a delivery of the canary failed");
  }

  #skip(why: string, count: number): void {
    const reason = this.#skips.has(why) || this.#skips.size < maxReasons ? why : "other reasons";
    if (count > 0) this.#skips.set(reason, (this.#skips.get(reason) ?? 0) + count);
  }

  #skipped(): number {
    return [...this.#skips.values()].reduce((sum, count) => sum + count, 0);
  }

  #stop(why: string): void {
    if (this.#over || this.#why !== null || this.#status === "cancelling") return;
    this.#why = why;
    this.#guard(this.#options.persist("replay.stopping", { why }));
    this.#stopStarting();
  }

  #stopStarting(): void {
    this.#hold?.cancel();
    this.#hold = null;
    this.#guard(this.#options.runner.withdraw("stop"));
    this.#options.pace.hold(false); // what was released before is live delivery again
    this.#pump();
  }

  /** Nothing runs: what is next? One step at a time; what happens while it takes its time is looked at after it. */
  #rest(): void {
    if (this.#resting) {
      this.#restAgain = true;
      return;
    }
    this.#resting = true;
    this.#guard(
      this.#nextState().then(() => {
        this.#resting = false;
        if (!this.#restAgain) return;
        this.#restAgain = false;
        this.#pump();
      }),
    );
  }

  async #nextState(): Promise<void> {
    const { persist, runner, items } = this.#options;
    if (this.#status === "cancelling" || this.#why !== null) return this.#end(this.#status === "cancelling" ? "cancelled" : "stopped");
    if (this.#status === "pausing") {
      await runner.flushed();
      await persist("replay.paused", {});
      if (this.#status === "pausing") this.#status = "paused";
      for (const resolve of this.#still.splice(0)) resolve();
      return;
    }
    if (this.#status !== "running") return;
    if (this.#canary === "running") {
      if (this.#widenCanary()) return;
      if (this.#tested.size > 0 || items.length === 0) return this.#holdCanary();
      return this.#stop("nothing of the canary could be delivered: every item was skipped");
    }
    if (this.#canary === "holding") return;
    const position = this.#position;
    await runner.flushed();
    this.#itemsEnded.resolve(position);
    if (this.#passing === "no") {
      this.#passing = "waiting";
      this.#guard(
        runner.passed().then(() => {
          this.#passing = "done";
          this.#pump();
        }),
      );
    }
    if (this.#passing === "done") await this.#end("completed");
  }

  /** Takes others for entities of which every item was skipped, which says nothing about the rest. @returns false when there are enough, or no others. */
  #widenCanary(): boolean {
    const missing = (this.#options.request.canary?.entities ?? 0) - this.#tested.size;
    const more = missing <= 0 ? new Set<string>() : this.#feed.widen(missing);
    if (more.size === 0) return false;
    this.#rememberLetters(more);
    this.#pump();
    return true;
  }

  #rememberLetters(streams: ReadonlySet<string>): void {
    for (const letter of this.#options.letters(streams)) this.#lettersBefore.add(letter);
  }

  #holdCanary(): void {
    const { request, clock, letters, persist } = this.#options;
    this.#canary = "holding";
    this.#hold = clock.after((request.canary?.holdSeconds ?? 0) * 1000, () => {
      this.#hold = null;
      if (this.#over || !this.#goesOn()) return;
      const fresh = letters(this.#feed.canary).filter((letter) => !this.#lettersBefore.has(letter));
      if (fresh.length > 0) return this.#stop("an event that the canary released failed");
      this.#guard(
        persist("replay.canary_passed", { entities: this.#tested.size }).then(() => {
          this.#canary = "over";
          this.#feed.lift();
          this.#pump();
        }),
      );
    });
  }

  async #end(status: ReplayReport["status"]): Promise<void> {
    const { runner, items, persist, newSince, request } = this.#options;
    await runner.flushed();
    if (status !== "completed") await runner.withdraw("stop");
    this.#skip(status === "cancelled" ? "the replay was cancelled" : "the replay was stopped", items.length - this.#succeeded - this.#failed - this.#skipped());
    const { succeeded, failed, skipped, skips } = this.figures();
    const known = request.cutoff === undefined ? {} : { newSince: await newSince() };
    const position = await persist("replay.ended", { status, succeeded, failed, skipped, skips, why: this.#why, ...known });
    this.#over = true;
    this.#status = status;
    this.#itemsEnded.resolve(position);
    this.#ended.resolve(position);
    for (const resolve of this.#still.splice(0)) resolve();
  }

  /** Whatever rejects here cuts the replay off. */
  #guard(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => this.#break(error));
  }

  #break(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#hold?.cancel();
    this.#itemsEnded.reject(error);
    this.#ended.reject(error);
    for (const resolve of this.#still.splice(0)) resolve();
    this.#options.onCutOff(error);
  }
}
