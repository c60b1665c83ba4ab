/**
 * Replays: what an operator chose, as a job in the log. A job is a stream, `reprise.replay-<id>`: what was asked, the items in their order, the end.
 * Outcomes of items are only in the journals, so a job that was cut off asks the views which items are over, and goes on with the rest.
 */
import type { FailureText } from "../catalog/catalog.ts";
import type { Migrations } from "../catalog/migration.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { ReplayItem, ReplayStreamData } from "../delivery/journal-events.ts";
import { ownEvent } from "../delivery/journal-stream.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import type { Position } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { replayStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { DeadLetterDetail, DeadLetterFilter, Views } from "../views/model.ts";
import type { Amendments } from "./amendments.ts";
import { makePace } from "./pace.ts";

export interface ReplayParts {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: Delivery;
  readonly amendments: Amendments;
  readonly migrations: Migrations;
  readonly clock: Clock;
  readonly newId: NewId;
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

export interface BatchReplay {
  readonly replayId: string;
  readonly counts: ReplayCounts;
  readonly ended: Promise<Position>;
  readonly position: Position;
}

/** Counts of a job; it is the job's own, and changes while it runs. */
export interface ReplayCounts {
  readonly total: number;
  succeeded: number;
  failed: number;
  readonly skips: Map<string, number>;
}

/** Items that were left alone, for whatever reason. */
export function skippedOf({ skips }: Pick<ReplayCounts, "skips">): number {
  return [...skips.values()].reduce((sum, count) => sum + count, 0);
}

/** Reasons that a report tells apart: a migration's may name something else for each item. */
const maxReasons = 50;
/** Items of one job under way at once. */
const itemsAtOnce = 64;
const itemsPerEvent = 500;

export interface Replays {
  /** The dead letter that `id` (event or delivery) names. @throws NOT_FOUND, NOT_DEAD_LETTERED, HANDLER_AMBIGUOUS, DELIVERY_RUNNING */
  find(id: string, tenant: string, handler: string | undefined): Promise<DeadLetterDetail>;
  single(id: string, chosen: Chosen & { readonly handler: string | undefined }): Promise<SingleReplay>;
  batch(filter: DeadLetterFilter, chosen: Chosen & { readonly maxEvents: number; readonly ratePerSecond: number | null }): Promise<BatchReplay>;
  /** Goes on with the jobs that the last end of the process cut off. */
  resume(): Promise<void>;
  /** Starts no further item. Jobs under way go on at the next start. */
  stop(): void;
}

export function makeReplays({ log, views, delivery, amendments, migrations, clock, newId, onCutOff }: ReplayParts): Replays {
  const stopped = new AbortController();

  async function find(id: string, tenant: string, handler: string | undefined): Promise<DeadLetterDetail> {
    const all = await views.findDeadLetters(tenant, id);
    const letters = handler === undefined ? all : all.filter((letter) => letter.handler === handler);
    if (letters.length > 1) {
      const handlers = letters.map((letter) => letter.handler);
      throw new RepriseError("HANDLER_AMBIGUOUS", `Event ${id} is dead-lettered for ${handlers.join(", ")}.`, { fields: { handlers } });
    }
    const [letter] = letters;
    if (letter !== undefined) {
      delivery.mayAct(letter.handler, letter.stream, letter.revision, "other");
      return letter;
    }
    const deliveries = (await views.deliveriesOf(tenant, id)).filter((each) => handler === undefined || each.handler === handler);
    if (deliveries.length === 0) throw new RepriseError("NOT_FOUND", `No delivery of ${id}${handler === undefined ? "" : ` for ${handler}`} is known.`);
    const statuses = deliveries.map((each) => `${each.status} for ${each.handler}`).join(", ");
    throw new RepriseError("NOT_DEAD_LETTERED", `${id} is ${statuses}.`, {
      fields: { statuses: deliveries.map((each) => ({ handler: each.handler, status: each.status })) },
    });
  }

  async function request(data: Omit<ReplayStreamData["replay.requested"], "total">, items: readonly ReplayItem[]): Promise<Position> {
    const events = [ownEvent(newId, "replay.requested", { ...data, total: items.length } satisfies ReplayStreamData["replay.requested"])];
    for (let from = 0; from < items.length; from += itemsPerEvent)
      events.push(ownEvent(newId, "replay.items", { items: items.slice(from, from + itemsPerEvent) } satisfies ReplayStreamData["replay.items"]));
    return (await log.append(replayStream(data.replayId), events, "none")).at(-1)!.position;
  }

  /** One item, to its end. Null when the service stops before that. */
  async function runItem(
    item: ReplayItem,
    job: Pick<ReplayStreamData["replay.requested"], "replayId" | "actor" | "reason" | "migration">,
    counts: ReplayCounts,
  ): Promise<FailureText | null> {
    const skip = (why: string): void => {
      const reason = counts.skips.has(why) || counts.skips.size < maxReasons ? why : "other reasons";
      counts.skips.set(reason, (counts.skips.get(reason) ?? 0) + 1);
    };
    try {
      const { migration } = job;
      if (migration !== undefined) await amendments.migrate(item, { ...job, migration });
      const { end } = await delivery.order(item.handler, {
        stream: item.lane,
        revision: item.revision,
        attempts: item.attempts,
        replayId: job.replayId,
        actor: job.actor,
        reason: job.reason,
        effects: "once",
      });
      if (end.outcome === "skipped") skip(end.reason);
      else if (end.outcome === "replayed") counts.succeeded++;
      else {
        counts.failed++;
        return { type: end.error.type, message: end.error.message };
      }
    } catch (error) {
      if (isRepriseError(error, "NOT_DEAD_LETTERED")) skip("not dead-lettered any more");
      else if (isRepriseError(error, "DELIVERY_RUNNING")) skip("another replay of it is under way");
      else if (isRepriseError(error, "LANE_PAUSED")) skip("its entity is paused");
      else if (isRepriseError(error, "REQUEST_INVALID")) skip("an earlier dead letter of its entity comes first");
      else if (isRepriseError(error, "NOT_FOUND")) skip("its handler does not run here");
      else if (isRepriseError(error) && error.kind === "unprocessable")
        skip(error.message); // a migration that cannot help it
      else throw error;
    }
    return null;
  }

  /** Runs items in their order: a lane's one after another, lanes side by side, at most `itemsAtOnce` and at the job's rate. */
  async function runAll(items: readonly ReplayItem[], job: ReplayStreamData["replay.requested"], counts: ReplayCounts): Promise<Position> {
    const pace = makePace(clock, job.ratePerSecond, stopped.signal);
    const running = new Set<Promise<void>>();
    let broken: unknown;
    for (const item of items) {
      if (running.size >= itemsAtOnce) await Promise.race(running);
      await pace();
      if (broken !== undefined || stopped.signal.aborted) break;
      const one: Promise<void> = runItem(item, job, counts).then(
        () => void running.delete(one),
        (error: unknown) => {
          broken = error;
          running.delete(one);
        },
      );
      running.add(one);
    }
    await Promise.all(running);
    if (broken !== undefined) throw broken;
    if (stopped.signal.aborted)
      throw new RepriseError("LOG_UNAVAILABLE", "The service stops; the replay goes on when it starts again.", { retryAfterMs: 1000 });
    return end(job.replayId, counts);
  }

  async function end(replayId: string, { succeeded, failed, skips }: ReplayCounts): Promise<Position> {
    const data: ReplayStreamData["replay.ended"] = {
      status: "completed",
      succeeded,
      failed,
      skipped: skippedOf({ skips }),
      skips: Array.from(skips, ([reason, count]) => ({ reason, count })),
    };
    const [appended] = await log.append(replayStream(replayId), [ownEvent(newId, "replay.ended", data)], "any");
    return appended!.position;
  }

  /** Nobody may be waiting for a job that is cut off: that is said here, not as an unhandled rejection. */
  function watched<T>(replayId: string, running: Promise<T>): Promise<T> {
    running.catch((error: unknown) => onCutOff(replayId, error));
    return running;
  }

  const freshCounts = (total: number): ReplayCounts => ({ total, succeeded: 0, failed: 0, skips: new Map() });
  const itemOf = ({
    handler,
    stream,
    revision,
    position,
    eventId,
    attempts,
  }: {
    handler: string;
    stream: string;
    revision: number;
    position: Position;
    eventId: string;
    attempts: number;
  }): ReplayItem => ({
    handler,
    lane: stream,
    revision,
    at: position.toString(),
    eventId,
    attempts,
  });

  return {
    find,

    async single(id, { tenant, actor, reason, handler, migration }) {
      const letter = await find(id, tenant, handler);
      delivery.mayAct(letter.handler, letter.stream, letter.revision, "replay");
      await amendments.mustDeliver(letter, migration ?? null); // what cannot be lifted would only fail again: said before anything is changed
      const item = itemOf({ ...letter, eventId: letter.id });
      const job = {
        replayId: newId(),
        kind: "single",
        actor,
        reason,
        ratePerSecond: null,
        filter: null,
        ...(migration === undefined ? {} : { migration }),
      } as const;
      const position = await request(job, [item]);
      const run = async (): Promise<Awaited<SingleReplay["ended"]>> => {
        const counts = freshCounts(1);
        const error = await runItem(item, job, counts);
        const [skipped] = counts.skips.keys();
        const ended = await end(job.replayId, counts);
        if (skipped !== undefined) throw new RepriseError("NOT_DEAD_LETTERED", `The dead letter was left alone: ${skipped}.`);
        return { outcome: counts.succeeded === 1 ? "replayed" : "dead_lettered", error, position: ended };
      };
      return { replayId: job.replayId, letter, position, ended: watched(job.replayId, run()) };
    },

    async batch(filter, { actor, reason, maxEvents, ratePerSecond, migration }) {
      if (migration !== undefined) migrations.mustKnow(migration);
      const { tenant: _tenant, ...asked } = filter;
      const items = (await views.oldestDeadLetters(filter, maxEvents)).map(itemOf);
      const job = {
        replayId: newId(),
        kind: "batch",
        actor,
        reason,
        ratePerSecond,
        filter: Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, String(value)])),
        total: items.length,
        ...(migration === undefined ? {} : { migration }),
      } as const;
      const position = await request(job, items);
      const counts = freshCounts(items.length);
      return { replayId: job.replayId, counts, position, ended: watched(job.replayId, runAll(items, job, counts)) };
    },

    async resume() {
      await reached(await log.head());
      for (const replayId of await views.openReplays()) {
        if (stopped.signal.aborted) return;
        let job: ReplayStreamData["replay.requested"] | undefined;
        const items: ReplayItem[] = [];
        for await (const batch of log.readStream(replayStream(replayId)))
          for (const { type, data } of batch)
            if (type === "replay.requested") job = data as unknown as ReplayStreamData["replay.requested"];
            else if (type === "replay.items") items.push(...(data as unknown as ReplayStreamData["replay.items"]).items);
        if (job === undefined) continue;
        const outcomes = await views.replayOutcomes(replayId);
        const counts = freshCounts(items.length);
        const left = items.filter(({ handler, lane, revision }) => {
          const outcome = outcomes.get(`${handler}\n${lane}\n${revision}`);
          if (outcome === "replayed") counts.succeeded++;
          else if (outcome === "dead_lettered") counts.failed++;
          return outcome === undefined;
        });
        void watched(replayId, runAll(left, job, counts));
      }
    },

    stop() {
      stopped.abort();
    },
  };

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
