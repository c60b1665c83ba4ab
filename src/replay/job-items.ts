/** The items of a job at work: starts them in the order of the feed, some at once, and counts what becomes of them. */
import type { ReplayItem } from "../records/replay-item.ts";
import type { Feed } from "./feed.ts";
import type { DeliveredEnd, JobTally } from "./job-figures.ts";
import { isOver, type Phase } from "./phase.ts";
import type { ItemEnd, Runner } from "./runner.ts";
import type { StopRules } from "./stop-rules.ts";

export interface JobItemsNeeds {
  readonly items: readonly ReplayItem[];
  readonly feed: Feed;
  readonly rules: StopRules;
  readonly tally: JobTally;
  readonly runner: Runner;
  readonly phase: () => Phase;
  /** Told of each item that was delivered or failed, before `onEnd`. @param why the job has to stop by its rules; null: it goes on. */
  readonly onOutcome: (item: ReplayItem, failed: boolean, why: string | null) => void;
  /** An item is over, or did not start after all: others may start. */
  readonly onEnd: () => void;
  /** The runner cannot go on. */
  readonly onBreak: (error: unknown) => void;
}

/** Items under way at once: those in slots, as many that come next, and as many whose outcomes are being recorded, so that no slot waits for a record. */
const itemsAtOnce = 256;

export class JobItems {
  readonly #needs: JobItemsNeeds;
  /** Places of the items under way. */
  readonly #running = new Set<number>();
  #releasesAhead: number;

  constructor(needs: JobItemsNeeds) {
    this.#needs = needs;
    this.#releasesAhead = needs.feed.lasts().reduce((sum, place) => sum + heldBehind(needs.items[place]!), 0);
  }

  /** Events behind the last items of lanes that are not over, which these release when they go well. */
  get releasesAhead(): number {
    return this.#releasesAhead;
  }

  get noneRuns(): boolean {
    return this.#running.size === 0;
  }

  /** Starts what may start, while the job runs. */
  startNext(): void {
    const { phase, feed } = this.#needs;
    while (phase().kind === "running" && this.#running.size < itemsAtOnce) {
      const place = feed.next();
      if (place === undefined) return;
      this.#run(place);
    }
  }

  #run(place: number): void {
    const { items, runner, onBreak } = this.#needs;
    this.#running.add(place);
    runner.run(place, items[place]!).then((end) => this.#ended(place, end), onBreak);
  }

  #ended(place: number, end: ItemEnd): void {
    const { items, feed, tally, runner, phase, onEnd } = this.#needs;
    if (isOver(phase())) return;
    const item = items[place]!;
    this.#running.delete(place);
    if (end.outcome === "withdrawn") {
      feed.putBack(place);
      runner.leaveLane(item);
    } else {
      if (end.outcome === "skipped") tally.skip(end.reason);
      else this.#count(item, end);
      if (end.outcome !== "succeeded" && runner.endsLane !== null) tally.skip(runner.endsLane, feed.dropLane(place).length);
      if (!feed.hasMore(place)) this.#releasesAhead -= heldBehind(item);
      if (!feed.hasMore(place) || phase().kind !== "running") runner.leaveLane(item);
      feed.ended(place);
    }
    onEnd();
  }

  #count(item: ReplayItem, end: DeliveredEnd): void {
    const { tally, rules, onOutcome } = this.#needs;
    const failed = end.outcome === "failed";
    tally.count(end);
    onOutcome(item, failed, rules.add(failed));
  }
}

/** Whether the handler wants them or not. */
function heldBehind({ revision, through = revision }: ReplayItem): number {
  return Math.max(0, through - revision);
}
