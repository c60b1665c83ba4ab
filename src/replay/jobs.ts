/** The jobs of this process: those that are about to start, and those that have not ended. */

import { withPatience } from "../delivery/journal/patience.ts";
import { Pace } from "../delivery/partition/pace.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import type { Ends } from "../records/attempt.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { RunnerChoice } from "./choose-runner.ts";
import { keyOf } from "./items.ts";
import { Job } from "./job.ts";
import { type JobProgress, noProgress } from "./job-progress.ts";
import type { PacesElsewhere } from "./paces-elsewhere.ts";
import type { ReplayRecord, ReplayStream } from "./replay-stream.ts";
import type { Runner } from "./runner.ts";
import { RunnerRecord, type RunnerRecordNeeds } from "./runner-record.ts";

export interface JobsNeeds extends Pick<RunnerRecordNeeds, "log"> {
  readonly delivery: Pick<RunningHandlers, "find" | "must" | "cluster">;
  readonly stream: ReplayStream;
  readonly paces: Pick<PacesElsewhere, "over">;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly runnerFor: (choice: RunnerChoice) => Runner;
  /** How many dead letters of these handlers came after the replay had chosen its own. */
  readonly newSince: (request: ReplayRequested, handlers: readonly string[]) => Promise<number>;
  /** Outcomes of the items that the journals have by now. Null: this instance is alone. */
  readonly onRecord: ((request: ReplayRequested, items: readonly ReplayItem[]) => Promise<JobProgress["outcomes"]>) | null;
  /** Told when a job was cut off: it goes on at the next start. */
  readonly onCutOff: (replayId: string, error: unknown) => void;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

/** What a replay is to do. Without an id it gets one as it begins. */
export type NewReplay = Omit<ReplayRequested, "replayId"> & Partial<Pick<ReplayRequested, "replayId">>;

export interface Begun {
  readonly job: Job;
  /** Position of the replay's first events. */
  readonly position: Position;
}

/** What a job goes on from. */
export interface Before {
  /** Its own deliveries that were called and have no outcome. Null: it begins. */
  readonly suspects: ReadonlyMap<number, Ends> | null;
  /** Revision of the last event of its stream. */
  readonly last: number;
}

/** Jobs of one process that have not ended. */
const maxJobs = 1000;
/** So many each tenant may have although others have taken all, up to twice as many in all. */
const keptJobs = 50;

export class Jobs {
  readonly #needs: JobsNeeds;
  readonly #jobs = new Map<string, Job>();
  /** Replays whose first events are being stored, with their tenants: nobody takes them for ones that were cut off. */
  readonly #starting = new Map<string, string | undefined>();
  /** Those of jobs that were cut off, too: what their last calls came to is still to be stored. */
  readonly #runners = new Set<Runner>();
  /** Of jobs that have not ended: to be told to partitions that come meanwhile. */
  readonly #paces = new Map<string, { readonly handlers: readonly string[]; readonly pace: Pace }>();
  /** Of jobs whose streams other instances write as well. */
  readonly #records = new Map<string, RunnerRecord>();

  constructor(needs: JobsNeeds) {
    this.#needs = needs;
  }

  get(replayId: string): Job | undefined {
    return this.#jobs.get(replayId);
  }

  /** Whether this process has the replay at work, or is about to. */
  has(replayId: string): boolean {
    return this.#jobs.has(replayId) || this.#starting.has(replayId);
  }

  /** @throws RATE_LIMITED */
  mustHaveRoom(tenant: string | undefined): void {
    const count = this.#jobs.size + this.#starting.size;
    if (count < maxJobs) return;
    const owners = [...Array.from(this.#jobs.values(), (job) => job.request.tenant), ...this.#starting.values()];
    const own = owners.filter((owner) => owner === tenant).length;
    if (own < keptJobs && count < 2 * maxJobs) return;
    const [limitOf, whose] = own < keptJobs ? ["service", ""] : ["tenant", " of this tenant"];
    throw new RepriseError("RATE_LIMITED", `Too many replays${whose} have not ended: wait for some, or cancel them.`, {
      retryAfterMs: 60_000,
      fields: { limitOf },
    });
  }

  /**
   * Records a replay and puts it to work, also when whoever asked has gone meanwhile: what is on record runs.
   *
   * @param use makes a plan this replay's. The plan has the items then.
   * @throws RATE_LIMITED, LOG_UNAVAILABLE, LOG_FULL
   */
  begin(asked: NewReplay, items: readonly ReplayItem[], use?: (request: ReplayRequested) => Promise<unknown>): Promise<Begun> {
    this.mustHaveRoom(asked.tenant);
    const { clock, newId, stream } = this.#needs;
    const runner = this.#needs.delivery.cluster?.membership.mine();
    const request: ReplayRequested = { replayId: newId(), ...asked, ...(runner && { runner }) };
    this.#starting.set(request.replayId, request.tenant);
    return withPatience(clock, async () => {
      try {
        await use?.(request);
        const { position, revision } = await stream.request(request, request.planId === undefined ? items : [], use !== undefined);
        return { job: this.#run(request, items, noProgress, { suspects: null, last: revision }), position };
      } finally {
        this.#starting.delete(request.replayId);
      }
    });
  }

  /** Puts a replay to work that an earlier end of the process cut off, or that another instance has left. */
  goOn(request: ReplayRequested, items: readonly ReplayItem[], progress: JobProgress, before: Before): void {
    this.#run(request, items, progress, before);
  }

  /** An event of a replay's stream, where several instances write it. */
  heard(replayId: string, event: StoredEvent): void {
    this.#records.get(replayId)?.heard(event);
  }

  /** Partitions have come since the jobs began. */
  paceAgain(): void {
    for (const [replayId, { handlers, pace }] of this.#paces)
      for (const handler of handlers)
        try {
          this.#needs.delivery.must(handler).replays.pace(replayId, pace);
        } catch {
          // It stands still, or is another instance's.
        }
  }

  /** The service stops: no further item starts, and every job goes on at the next start. */
  cutOff(): void {
    for (const job of this.#jobs.values()) job.cutOff();
  }

  /** What came of the last calls is stored. */
  async flushed(): Promise<void> {
    await Promise.allSettled([...this.#runners].map((runner) => runner.flushed()));
  }

  #run(request: ReplayRequested, items: readonly ReplayItem[], progress: JobProgress, { suspects, last }: Before): Job {
    const { delivery, clock, runnerFor, newSince, onRecord, onCutOff, signal } = this.#needs;
    const { replayId } = request;
    const handlers = [...new Set(items.map(({ handler }) => handler))].filter((handler) => delivery.find(handler) !== undefined);
    const record = this.#recordOf(replayId, last);
    const pace = new Pace(request.ratePerSecond, clock.monotonicMs());
    const over = new AbortController();
    const runner = runnerFor({ request, handlers, record, suspects, pace, signal: AbortSignal.any([signal, over.signal]) });
    const job = new Job({
      ...{ request, items, progress, runner, pace, clock, record },
      letters: (streams) => this.#lettersOf(handlers, streams),
      newSince: () => newSince(request, handlers),
      onRecord: onRecord && !request.own ? () => onRecord(request, items) : null,
      onCutOff: (error) => {
        over.abort();
        this.#isOver(replayId, null);
        onCutOff(replayId, error);
      },
    });
    this.#paceAll(handlers, replayId, pace);
    this.#paces.set(replayId, { handlers, pace });
    this.#jobs.set(replayId, job);
    this.#records
      .get(replayId)
      ?.catchUp()
      .catch((error: unknown) => job.cutOff(error));
    this.#runners.add(runner);
    job.end.ofJob.then(
      () => {
        this.#runners.delete(runner);
        this.#isOver(replayId, job);
      },
      () => {}, // onCutOff was told
    );
    job.start();
    return job;
  }

  #recordOf(replayId: string, last: number): ReplayRecord {
    const { delivery, stream } = this.#needs;
    if (delivery.cluster === null) return stream.of(replayId);
    const record = new RunnerRecord({
      ...{ ...this.#needs, replayId, last },
      onEntry: (entry) => this.get(replayId)?.acts.heard(entry),
      onReplaced: (error) => this.get(replayId)?.cutOff(error),
    });
    this.#records.set(replayId, record);
    return record;
  }

  /** Tells all handlers the pace, or none. @throws NOT_OWNER while another instance works on one of them. */
  #paceAll(handlers: readonly string[], replayId: string, pace: Pace): void {
    try {
      for (const handler of handlers) this.#needs.delivery.must(handler).replays.pace(replayId, pace);
    } catch (error) {
      this.#unpace(handlers, replayId);
      throw error;
    }
  }

  #unpace(handlers: readonly string[], replayId: string): void {
    for (const handler of handlers)
      try {
        this.#needs.delivery.must(handler).replays.pace(replayId, null);
      } catch {
        // The handler stands still, or has gone to another instance with its lanes.
      }
  }

  /** @param ended null: it was cut off. */
  #isOver(replayId: string, ended: Job | null): void {
    const { delivery, paces, signal } = this.#needs;
    const { handlers, pace } = this.#paces.get(replayId)!;
    this.#jobs.delete(replayId);
    this.#paces.delete(replayId);
    this.#records.delete(replayId);
    if (signal.aborted) return;
    if (delivery.cluster === null) this.#unpace(handlers, replayId);
    else paces.over(replayId, pace, ended?.figures().status ?? null); // partitions with something of it may have come a moment ago
  }

  #lettersOf(handlers: readonly string[], streams: ReadonlySet<string>): readonly string[] {
    const { delivery } = this.#needs;
    return handlers.flatMap((handler) =>
      [...streams].flatMap((lane) => (delivery.find(handler)?.lettersOf(lane) ?? []).map((revision) => keyOf({ handler, lane, revision }))),
    );
  }
}
