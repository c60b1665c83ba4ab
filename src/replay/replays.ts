/**
 * Replays: what operators chose, as jobs in the log. A job is a stream, `reprise.replay-<id>`: what was asked, the items or the plan that has them, the
 * acts, the end. Outcomes of dead letters are only in the journals, so a job that was cut off asks the views which items are over, and goes on with the rest.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Catalog, FailureText } from "../catalog/catalog.ts";
import type { Migrations } from "../catalog/migration.ts";
import { withPatience } from "../delivery/journal/patience.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import { type LastEnds, noEnds, withEnd } from "../delivery/partition/ends.ts";
import { Pace } from "../delivery/partition/pace.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../errors.ts";
import { type Clock, pause } from "../event/clock.ts";
import type { NewEvent, Position, StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { defaultTenant, planStream, replayStream } from "../event/names.ts";
import type { AppendedEvent, EventLog, ExpectedRevision } from "../log/event-log.ts";
import { readEvent } from "../log/read-event.ts";
import type { Act } from "../records/act.ts";
import type { Ends } from "../records/attempt.ts";
import { ownEvent } from "../records/own-event.ts";
import type { PlanStreamData } from "../records/plan.ts";
import type { AskedTerms, ReplayKind, ReplayRequested, ReplayStreamData } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { DeadLetterDetail, DeadLetterFilter, ReplayView, Views } from "../views/model.ts";
import type { Amendments } from "./amendments.ts";
import { makeDryRunner } from "./dry-runner.ts";
import { type FindLetter, makeFindLetter } from "./find-letter.ts";
import { appendAll, keyOf, laneOf, partsOf } from "./items.ts";
import { Job, type JobFigures, type JobProgress, noProgress } from "./job.ts";
import { makeLetterRunner } from "./letter-runner.ts";
import { asDelivered } from "./lift.ts";
import { makeOwnRunner } from "./own-runner.ts";
import { makePlans, type Plans } from "./plan.ts";
import type { Runner } from "./runner.ts";

export interface ReplayParts {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly amendments: Amendments;
  readonly migrations: Migrations;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly ends: LastEnds;
  /** Told when a job was cut off: it goes on at the next start. */
  readonly onCutOff: (replayId: string, error: unknown) => void;
}

export interface Chosen {
  readonly tenant: string;
  readonly actor: string;
  readonly reason: string | null;
  /** Of the config: makes the data that is delivered. */
  readonly migration?: string;
}

export interface SingleReplay {
  readonly replayId: string;
  readonly letter: DeadLetterDetail;
  readonly ended: Promise<{ readonly outcome: "replayed" | "dead_lettered"; readonly error: FailureText | null; readonly position: Position }>;
  /** Position of the job's first events. */
  readonly position: Position;
}

export interface StartedReplay {
  readonly replayId: string;
  readonly figures: () => JobFigures;
  /** Every item is over. */
  readonly ended: Promise<Position>;
  readonly position: Position;
}

export type ReplayVerb = "pause" | "resume" | "cancel";

export interface Replays {
  readonly plans: Plans;
  /** The dead letter that an event id or a delivery id names. */
  readonly find: FindLetter;
  /** @param targetHandler delivers it to that one instead; the dead letter stays. */
  single(id: string, chosen: Chosen & { readonly handler: string | undefined; readonly targetHandler: string | null }): Promise<SingleReplay>;
  batch(filter: DeadLetterFilter, chosen: Chosen & { readonly maxEvents: number; readonly ratePerSecond: number | null }): Promise<StartedReplay>;
  /** Runs a plan. @throws NOT_FOUND, PLAN_STALE, PLAN_USED */
  startPlan(planId: string, chosen: Chosen & { readonly terms: AskedTerms }): Promise<StartedReplay>;
  /** Pauses, goes on, or cancels. @returns once `cancel` is on record everywhere, or after `patienceMs`. @throws NOT_FOUND, REPLAY_ENDED */
  act(
    replayId: string,
    verb: ReplayVerb,
    chosen: Chosen & { readonly patienceMs: number },
  ): Promise<{ readonly status: ReplayView["status"]; readonly position: Position }>;
  setRate(replayId: string, ratePerSecond: number | null, chosen: Chosen): Promise<{ readonly status: ReplayView["status"]; readonly position: Position }>;
  /** Figures of a job of this process; undefined when it is over. */
  figures(replayId: string): JobFigures | undefined;
  /** Items of a replay in their order, from a place on. */
  items(replayId: string, from: number, limit: number): Promise<readonly ReplayItem[]>;
  /** Goes on with the jobs that the last end of the process cut off. */
  resume(): Promise<void>;
  /** Starts no further item. Jobs under way go on at the next start. */
  stop(): void;
  /** After the handlers have stopped: what came of the last deliveries is on record. */
  flushed(): Promise<void>;
}

/** Jobs that have not ended, of one process. */
const maxJobs = 1000;
const maxBackOffMs = 2000;

export function makeReplays(parts: ReplayParts): Replays {
  const { log, views, delivery, amendments, migrations, catalog, clock, newId, ends, onCutOff } = parts;
  const stopped = new AbortController();
  const find = makeFindLetter({ views, delivery });
  const plans = makePlans({ ...parts, signal: stopped.signal });
  const jobs = new Map<string, Job>();
  const runners = new Set<Runner>();
  /** Replays that this process began: they are never taken for ones that were cut off. */
  const ours = new Set<string>();
  /** Settled once the jobs that were cut off are known again. */
  let resumed: Promise<void> = Promise.resolve();

  function mustTake(targetHandler: string, eventType: string): void {
    const spec = delivery.find(targetHandler)?.spec;
    const detail = spec === undefined ? `Handler ${targetHandler} does not run here.` : `Handler ${targetHandler} does not take ${eventType}.`;
    if (!spec?.types.includes(eventType)) throw new RepriseError("REQUEST_INVALID", detail, { errors: [{ pointer: "#/target_handler", detail }] });
  }

  async function appendTo<T extends keyof ReplayStreamData>(replayId: string, type: T, data: ReplayStreamData[T]): Promise<Position> {
    const record = { stream: replayStream(replayId), events: [ownEvent(newId, type, data)], expected: "any" as const };
    return (await recordAct({ log, clock, signal: stopped.signal }, record)).position;
  }

  /** Appends until it is stored: the same event with the same id. @throws LOG_UNAVAILABLE when the service stops. */
  async function persist<T extends keyof ReplayStreamData>(replayId: string, type: T, data: ReplayStreamData[T]): Promise<Position> {
    return (await persistAll(replayStream(replayId), [ownEvent(newId, type, data)], "any")).position;
  }

  async function persistAll(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendedEvent> {
    for (let failures = 0; ; failures++) {
      try {
        return (await log.append(stream, events, expected)).at(-1)!;
      } catch (error) {
        if (!isLogTrouble(error) || stopped.signal.aborted) throw error;
        await pause(Math.min(100 * 2 ** failures, maxBackOffMs), clock, stopped.signal);
      }
    }
  }

  /**
   * Records what was asked for. With its first append the replay is in force: what follows is recorded however long it takes.
   *
   * @param inForce it is already, by its plan.
   */
  async function request(data: ReplayRequested, items: readonly ReplayItem[], inForce = false): Promise<Position> {
    const events = [ownEvent(newId, "replay.requested", data), ...(await partsOf(newId, items))];
    const append: Parameters<typeof appendAll>[0] = (stream, part, expected) =>
      expected === "none" && !inForce
        ? recordAct({ log, clock, signal: stopped.signal }, { stream, events: part, expected })
        : persistAll(stream, part, expected);
    return (await appendAll(append, replayStream(data.replayId), events)).position;
  }

  const eventOf = async ({ lane, revision }: ReplayItem): Promise<StoredEvent | undefined> => (await readEvent(log, lane, revision)) ?? undefined;

  // Jobs --------------------------------------------------------------------------------------------------------------------------------------

  function runnerOf(job: ReplayRequested, handlers: readonly string[], suspects: ReadonlyMap<number, Ends> | null): Runner {
    const { replayId } = job;
    const storeOutcomes = (outcomes: ReplayStreamData["replay.outcomes"]["outcomes"]) => persist(replayId, "replay.outcomes", { outcomes });
    if (job.mode === "dry_run") {
      const letters = job.kind !== "history" && !job.targetHandler; // others see the original, not what was amended
      const read = async (item: ReplayItem) => {
        const event = await eventOf(item);
        return letters && event !== undefined ? asDelivered(delivery, item, event) : event;
      };
      return makeDryRunner({ catalog, delivery, request: job, readEvent: read, storeOutcomes });
    }
    if (!job.own) return makeLetterRunner({ delivery, amendments, request: job, handlers });
    const storeStarted = (place: number, known: Ends) => persist(replayId, "replay.started", { items: [place], life: ends.life, ends: known });
    return makeOwnRunner({
      delivery,
      clock,
      request: job,
      readEvent: eventOf,
      storeOutcomes,
      storeStarted,
      suspects: suspects ?? new Map(),
      resumed: suspects !== null,
    });
  }

  /** Puts a job to work. @param suspects of one that was cut off: its own deliveries that were called and have no outcome. */
  function run(job: ReplayRequested, items: readonly ReplayItem[], progress: JobProgress, suspects: ReadonlyMap<number, Ends> | null): Job {
    const { replayId } = job;
    const handlers = [...new Set(items.map(({ handler }) => handler))].filter((handler) => delivery.find(handler) !== undefined);
    const runner = runnerOf(job, handlers, suspects);
    runners.add(runner);
    const pace = new Pace(job.ratePerSecond, clock.monotonicMs());
    const made = new Job({
      request: job,
      items,
      progress,
      runner,
      pace,
      clock,
      append: (type, data) => appendTo(replayId, type, data),
      persist: (type, data) => persist(replayId, type, data),
      letters: (of) =>
        handlers.flatMap((handler) =>
          [...of].flatMap((stream) => (delivery.find(handler)?.lettersOf(stream) ?? []).map((revision) => keyOf({ handler, lane: stream, revision }))),
        ),
      newSince: () => countNew(job, handlers),
      onCutOff: (error) => {
        ours.delete(replayId); // whoever works on its handlers next may take it up
        over(replayId, handlers);
        onCutOff(replayId, error);
      },
    });
    jobs.set(replayId, made);
    for (const handler of handlers) delivery.must(handler).replays.pace(replayId, pace);
    made.ended.then(
      () => {
        runners.delete(runner);
        over(replayId, handlers);
      },
      () => {},
    );
    made.start();
    return made;
  }

  /** Records a replay and puts it to work, also when whoever asked has gone meanwhile: what is on record runs. @param use makes its plan this replay's, which has the items. */
  function begin(
    job: ReplayRequested,
    items: readonly ReplayItem[],
    use?: () => Promise<unknown>,
  ): Promise<{ readonly position: Position; readonly running: Job }> {
    return withPatience(clock, async () => {
      await use?.();
      const position = await request(job, job.planId === undefined ? items : [], use !== undefined);
      return { position, running: run(job, items, noProgress, null) };
    });
  }

  function over(replayId: string, handlers: readonly string[]): void {
    jobs.delete(replayId);
    if (stopped.signal.aborted) return;
    for (const handler of handlers)
      try {
        delivery.must(handler).replays.pace(replayId, null);
      } catch {
        // the handler is gone with its lanes
      }
  }

  /** Dead letters of the job's handlers that are younger than its cut-off. As far as the views have come. */
  async function countNew({ replayId, cutoff, tenant = defaultTenant, filter }: ReplayRequested, handlers: readonly string[]): Promise<number> {
    try {
      await views.waitFor(await log.head());
    } catch (error) {
      if (!isRepriseError(error)) throw error;
    }
    // What selected by time, or by an earlier replay, says nothing about what failed since.
    const { sinceMs: _since, untilMs: _until, replayId: _replay, ...selected } = (filter ?? {}) as Readonly<Record<string, string>>;
    return views.deadLettersSince({ ...(selected as Omit<DeadLetterFilter, "tenant">), tenant }, handlers, BigInt(cutoff ?? 0), replayId);
  }

  const asText = (filter: object): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, String(value)]));

  function ownId(): string {
    const id = newId();
    ours.add(id);
    return id;
  }

  function mustHaveRoom(): void {
    if (jobs.size >= maxJobs)
      throw new RepriseError("RATE_LIMITED", `${jobs.size} replays have not ended: wait for some, or cancel them.`, { retryAfterMs: 60_000 });
  }

  /** A job of this process, or of the last one as soon as it goes on. */
  async function jobOf(replayId: string, tenant: string): Promise<Job> {
    if (!jobs.has(replayId)) await resumed;
    const job = jobs.get(replayId);
    if (job !== undefined && (job.request.tenant ?? defaultTenant) === tenant) return job;
    const view = job === undefined ? await views.replay(tenant, replayId) : undefined;
    if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
    if (view.endedAt === null)
      throw new RepriseError("LOG_UNAVAILABLE", "The replay was cut off; it goes on when the service starts again.", { retryAfterMs: 1000 });
    throw new RepriseError("REPLAY_ENDED", `The replay is ${view.status}.`, { fields: { status: view.status } });
  }

  return {
    plans,
    find,

    async single(id, { tenant, actor, reason, handler, targetHandler, migration }) {
      if (targetHandler !== null && migration !== undefined) {
        const detail = "A migration amends the dead letter of its own handler: replay it there, or without the migration.";
        throw new RepriseError("REQUEST_INVALID", detail, { errors: [{ pointer: "#/migration", detail }] });
      }
      const letter = await find(id, tenant, handler);
      if (targetHandler === null) delivery.must(letter.handler).letters.mayAct(letter.stream, letter.revision, "replay");
      else {
        delivery.mustOwn([targetHandler]);
        mustTake(targetHandler, letter.eventType);
      }
      await amendments.mustDeliver(letter, migration ?? null); // what cannot be lifted would only fail again: said before anything is changed
      mustHaveRoom();
      const { stream, revision, position: at, id: eventId, attempts } = letter;
      const own = targetHandler !== null;
      const item: ReplayItem = { handler: targetHandler ?? letter.handler, lane: stream, revision, at: at.toString(), eventId, attempts: own ? 0 : attempts };
      const job: ReplayRequested = {
        replayId: ownId(),
        kind: "single",
        actor,
        reason,
        tenant,
        ratePerSecond: null,
        filter: null,
        total: 1,
        own,
        targetHandler,
        ...(migration === undefined ? {} : { migration }),
      };
      const { position, running } = await begin(job, [item]);
      const ended = running.ended.then((endedAt): Awaited<SingleReplay["ended"]> => {
        const { succeeded, skips } = running.figures();
        if (skips.length > 0) throw new RepriseError("NOT_DEAD_LETTERED", `The dead letter was left alone: ${skips[0]!.reason}.`);
        return { outcome: succeeded === 1 ? "replayed" : "dead_lettered", error: running.lastError, position: endedAt };
      });
      ended.catch(() => {}); // nobody may be waiting for it
      return { replayId: job.replayId, letter, position, ended };
    },

    async batch(filter, { tenant, actor, reason, maxEvents, ratePerSecond, migration }) {
      if (migration !== undefined) migrations.mustKnow(migration);
      mustHaveRoom();
      const { tenant: _tenant, ...asked } = filter;
      const letters = await views.oldestDeadLetters(filter, maxEvents);
      delivery.mustOwn(letters.map(({ handler }) => handler));
      const lanes = new Map(ratePerSecond === null ? [] : letters.map(({ handler, stream }) => [laneOf({ handler, lane: stream }), { handler, stream }]));
      const held = await views.heldLanes([...lanes.values()]);
      const through = new Map([...lanes.keys()].map((lane, index) => [lane, held[index]!.through]));
      const items = letters.map(({ handler, stream: lane, revision, position, eventId, attempts }): ReplayItem => {
        const last = through.get(laneOf({ handler, lane })) ?? null;
        return { handler, lane, revision, at: position.toString(), eventId, attempts, ...(last === null ? {} : { through: last }) };
      });
      const job: ReplayRequested = {
        replayId: ownId(),
        kind: "batch",
        actor,
        reason,
        tenant,
        ratePerSecond,
        filter: asText(asked),
        total: items.length,
        ...(migration === undefined ? {} : { migration }),
      };
      const { position, running } = await begin(job, items);
      return { replayId: job.replayId, figures: () => running.figures(), position, ended: ratePerSecond === null ? running.ended : running.itemsEnded };
    },

    async startPlan(planId, { tenant, actor, reason, terms }) {
      mustHaveRoom();
      const plan = await plans.read(planId, tenant);
      const { selection, targetHandler, cutoff } = plan.findings;
      const items = await plans.items(planId);
      delivery.mustOwn(items.map(({ handler }) => handler));
      if (plan.used === null) await plans.mustBeFresh(plan, items);
      const kind: ReplayKind = selection.kind === "history" ? "history" : "dead_letters";
      const job: ReplayRequested = {
        ...{ replayId: ownId(), kind, actor, reason, tenant, total: items.length, planId, targetHandler, cutoff, ...terms },
        ratePerSecond: terms.ratePerSecond === undefined ? plan.findings.ratePerSecond : terms.ratePerSecond,
        filter: selection.kind === "dead_letters" ? asText(selection.filter) : null,
        own: terms.mode === "dry_run" || kind === "history" || targetHandler !== null,
      };
      // A dry run leaves the plan to be run afterwards.
      const { position, running } = await begin(job, items, terms.mode === "run" ? () => plans.use(plan, job) : undefined);
      return { replayId: job.replayId, figures: () => running.figures(), position, ended: running.ended };
    },

    async act(replayId, verb, { tenant, actor, reason, patienceMs }) {
      const act: Act = { actor, reason };
      const job = await jobOf(replayId, tenant).catch(async (error: unknown) => {
        // Cancelled is cancelled: a repeat says so.
        if (verb !== "cancel" || !isRepriseError(error, "REPLAY_ENDED") || (await views.replay(tenant, replayId))?.status !== "cancelled") throw error;
        return null;
      });
      if (job === null) return { status: "cancelled", position: 0n };
      const position = (await withPatience(clock, (patience) => job[verb](act, patience))) ?? 0n;
      if (verb !== "cancel") return { status: job.status, position };
      const { promise: late, resolve } = Promise.withResolvers<Position>();
      const timer = clock.after(patienceMs, () => resolve(position));
      const last = await Promise.race([job.ended, late]);
      timer.cancel();
      return { status: job.status, position: last };
    },

    async setRate(replayId, ratePerSecond, { tenant, actor, reason }) {
      const job = await jobOf(replayId, tenant);
      const position = await withPatience(clock, () => job.setRate(ratePerSecond, { actor, reason }));
      return { status: job.status, position };
    },

    figures: (replayId) => jobs.get(replayId)?.figures(),

    async items(replayId, from, limit) {
      const [requested] = await firstOf(replayStream(replayId));
      const { planId } = (requested?.data ?? {}) as Partial<ReplayRequested>;
      const items: ReplayItem[] = [];
      const streamOf = planId === undefined ? replayStream(replayId) : planStream(planId);
      let place = 0;
      for await (const batch of log.readStream(streamOf))
        for (const event of batch) {
          if (event.type !== "replay.items") continue;
          const { items: part } = event.data as unknown as ReplayStreamData["replay.items"];
          for (const item of part.slice(Math.max(0, from - place))) items.push(item);
          place += part.length;
          if (items.length >= limit) return items.slice(0, limit);
        }
      return items;
    },

    resume() {
      resumed = goOn();
      return resumed;
    },

    stop() {
      stopped.abort();
      for (const job of jobs.values()) job.cutOff();
    },

    async flushed() {
      await nextTurn(); // until then each has told what its call came to
      await Promise.allSettled([...runners].map((runner) => runner.flushed()));
    },
  };

  async function firstOf(stream: string): Promise<readonly StoredEvent[]> {
    for await (const batch of log.readStream(stream, { limit: 1 })) return batch;
    return [];
  }

  async function goOn(): Promise<void> {
    await reached(await log.head());
    const open = await views.openReplays();
    for (const { replayId, planId } of open) {
      if (stopped.signal.aborted) return;
      if (ours.has(replayId) || jobs.has(replayId)) continue;
      try {
        await goOnWith(replayId, planId);
      } catch (error) {
        if (!isRepriseError(error, "LOG_DAMAGED")) throw error;
        onCutOff(replayId, error); // the others go on
      }
    }
    // Lanes that wait for the turns of a replay that has ended, by the skin of its teeth: nobody else would let them go.
    for (const replays of delivery.working().map((handler) => handler.replays))
      for (const replayId of replays.unknownPaces()) if (!jobs.has(replayId)) await replays.withdraw(replayId, "stop");
  }

  async function goOnWith(replayId: string, planId: string | null): Promise<void> {
    let job: ReplayRequested | null = null;
    const items: ReplayItem[] = [];
    const outcomes = new Map<number, "succeeded" | "failed">();
    const open = new Map<number, { readonly ends: Ends; readonly life: string | null }>();
    const acts = { paused: false, cancelling: false, stopping: null as string | null, canaryPassed: false };
    let ratePerSecond: number | null | undefined;
    for await (const batch of log.readStream(replayStream(replayId)))
      for (const { type, data } of batch) {
        const of = <T extends keyof ReplayStreamData>(_type: T) => data as unknown as ReplayStreamData[T];
        if (type === "replay.requested") job = of(type);
        else if (type === "replay.items") for (const item of of(type).items) items.push(item);
        else if (type === "replay.pausing") acts.paused = true;
        else if (type === "replay.resumed") acts.paused = false;
        else if (type === "replay.rate_changed") ({ ratePerSecond } = of(type));
        else if (type === "replay.cancelling") acts.cancelling = true;
        else if (type === "replay.stopping") acts.stopping = of(type).why;
        else if (type === "replay.canary_passed") acts.canaryPassed = true;
        else if (type === "replay.started") {
          const { items: places, life = null, ends: known } = of(type);
          for (const place of places) open.set(place, { ends: known ?? withEnd(open.get(place)?.ends ?? noEnds, { alone: true, isTold: true }), life });
        } else if (type === "replay.outcomes") for (const { item, outcome } of of(type).outcomes) outcomes.set(item, outcome);
        else if (type === "replay.ended") return; // the views are a moment behind
      }
    if (job === null && planId !== null) {
      // The process died between the plan's last event and the replay's first.
      for await (const batch of log.readStream(planStream(planId), { direction: "backward", limit: 1 }))
        for (const { type, data } of batch) if (type === "plan.used") ({ job } = data as unknown as PlanStreamData["plan.used"]);
      if (job !== null) await request(job, [], true);
    }
    if (job === null) return;
    if (planId !== null) for (const item of await plans.items(planId)) items.push(item);
    for (const place of outcomes.keys()) open.delete(place);
    // The first builds counted an item's ends as it was started, and took each for one that was told.
    const counted = ({ ends: known, life }: { readonly ends: Ends; readonly life: string | null }): Ends =>
      life === null ? known : withEnd(known, { alone: true, isTold: ends.told(life) });
    const suspects = new Map(Array.from(open, ([place, each]) => [place, counted(each)]));
    if (!job.own) {
      const known = await views.replayOutcomes(replayId);
      items.forEach((item, place) => {
        const outcome = known.get(keyOf(item));
        if (outcome !== undefined) outcomes.set(place, outcome === "replayed" ? "succeeded" : "failed");
      });
    }
    run(ratePerSecond === undefined ? job : { ...job, ratePerSecond }, items, { ...acts, outcomes }, suspects);
  }

  /** However long the views take: a rebuild may be under way. */
  async function reached(position: Position): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        return await views.waitFor(position);
      } catch (error) {
        if (!isRepriseError(error, "VIEW_BEHIND")) throw error;
      }
    }
  }
}
