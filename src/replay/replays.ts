/** Replays: what operators chose to deliver again, as jobs in the log. This file puts the pieces together. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Catalog } from "../catalog/catalog.ts";
import type { Migrations } from "../catalog/migration.ts";
import type { LastEnds } from "../delivery/partition/ends.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { defaultTenant, replayStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { Views } from "../views/model/views.ts";
import { type ActsOnJobs, makeActsOnJobs } from "./act-on-job.ts";
import { makeActsOnRecord } from "./acts-on-record.ts";
import type { Amendments } from "./amendments.ts";
import { makeBatch, type ReplayBatch } from "./batch.ts";
import { type FindBegun, makeFindBegun } from "./begun.ts";
import { chooseRunner } from "./choose-runner.ts";
import { type FindLetter, makeFindLetter } from "./find-letter.ts";
import type { JobFigures } from "./job-figures.ts";
import { Jobs } from "./jobs.ts";
import { outcomesOfLetters } from "./letter-outcomes.ts";
import { countNewSince } from "./new-since.ts";
import { PacesElsewhere } from "./paces-elsewhere.ts";
import { makePlans, type Plans } from "./plan.ts";
import { makePlanStream } from "./plan-stream.ts";
import { againMs, makeRecovery } from "./recovery.ts";
import { makeReplayStream } from "./replay-stream.ts";
import { makeRunPlan, type RunPlan } from "./run-plan.ts";
import { makeSingle, type ReplayOne } from "./single.ts";

export interface ReplayNeeds {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly amendments: Amendments;
  readonly migrations: Migrations;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly ends: LastEnds;
  /** The log above finds what is in them, too, by id and by revision. */
  readonly archives: Archives;
  /** Told when a job was cut off, and why. Null: the service stops, and the job goes on when it starts again. */
  readonly onCutOff: (replayId: string, error: unknown) => void;
}

export interface Replays extends ActsOnJobs {
  readonly plans: Plans;
  /** The dead letter that an event id or a delivery id names. */
  readonly find: FindLetter;
  readonly single: ReplayOne;
  readonly batch: ReplayBatch;
  readonly startPlan: RunPlan;
  /** One that has begun, whatever has become of it. */
  readonly begun: FindBegun;
  /** Figures of a job of this process; undefined when it is over. */
  figures(replayId: string): JobFigures | undefined;
  /** Items of a replay in their order, from a place on. */
  items(replayId: string, from: number, limit: number): Promise<readonly ReplayItem[]>;
  /** Goes on with the jobs that the last end of the process cut off, and with those that another instance has left. */
  resume(): Promise<void>;
  /** An event of a replay's stream, where several instances write it. */
  heard(event: StoredEvent): void;
  /** Starts no further item. Jobs under way go on at the next start. */
  stop(): void;
  /** To be awaited after the handlers have stopped: what came of the last deliveries is then on record. */
  flushed(): Promise<void>;
}

export function makeReplays(needs: ReplayNeeds): Replays {
  const { log, views, delivery, clock, newId } = needs;
  const stopping = new AbortController();
  const { signal } = stopping;
  const stream = makeReplayStream({ log, clock, newId, signal });
  const planStream = makePlanStream(log);
  const onCutOff = (replayId: string, error: unknown): void => {
    needs.onCutOff(replayId, signal.aborted ? null : error);
    if (delivery.cluster === null || signal.aborted || isRepriseError(error, "NOT_OWNER")) return;
    clock.after(againMs, () => void recovery.goOn().catch(() => {}));
  };
  const plans = makePlans({ ...needs, stream: planStream, signal });
  const paces = new PacesElsewhere({ delivery, stream, clock });
  const jobs = new Jobs({
    ...{ log, delivery, stream, paces, clock, newId, onCutOff, signal },
    runnerFor: (choice) => chooseRunner(needs, choice),
    newSince: (request, handlers) => countNewSince({ log, views }, request, handlers),
    onRecord:
      delivery.cluster &&
      (async ({ replayId, tenant = defaultTenant }, items) => outcomesOfLetters({ views, signal }, { tenant, replayId, items, upTo: await log.head() })),
  });
  const recovery = makeRecovery({ ...needs, jobs, paces, stream, plans: planStream, signal });
  const find = makeFindLetter({ views, delivery });

  return {
    plans,
    find,
    single: makeSingle({ ...needs, jobs, find }),
    batch: makeBatch({ ...needs, jobs }),
    startPlan: makeRunPlan({ delivery, plans, jobs }),
    begun: makeFindBegun({ views, jobs, recovered: recovery.done }),
    ...(delivery.cluster === null ? makeActsOnJobs({ views, jobs, clock, recovered: recovery.done }) : makeActsOnRecord({ stream, views, clock })),
    figures: (replayId) => jobs.get(replayId)?.figures(),
    items: stream.items,
    resume: recovery.goOn,
    heard(event) {
      const replayId = event.stream.slice(replayStream("").length);
      jobs.heard(replayId, event);
      paces.heard(replayId, event);
    },
    stop() {
      stopping.abort();
      jobs.cutOff();
    },
    async flushed() {
      await nextTurn(); // until then each has told what its call came to
      await jobs.flushed();
    },
  };
}
