/** Replays, as operators begin, follow and steer them. */
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Clock } from "../event/clock.ts";
import { positionText } from "../event/event.ts";
import { deliveryId } from "../event/ids.ts";
import { within } from "../event/waits.ts";
import type { EventLog } from "../log/event-log.ts";
import { onePage } from "../log/page-bytes.ts";
import type { ReplayVerb } from "../replay/act-on-job.ts";
import type { Replays } from "../replay/replays.ts";
import { readReport } from "../replay/report.ts";
import type { Selection } from "../replay/selection.ts";
import type { Plan } from "../replay/show-plan.ts";
import type { DeadLetterFilter } from "../views/model/dead-letter.ts";
import type { ReplayView } from "../views/model/replay.ts";
import type { Views } from "../views/model/views.ts";
import { type ActOptions, actOf, callerOf } from "./caller.ts";
import type {
  PlanOptions,
  ReplayActed,
  ReplayBatchOptions,
  ReplayBatchResult,
  ReplayOptions,
  ReplayPageOptions,
  ReplayReport,
  ReplayResult,
  ReplayStarted,
  ReplayState,
  ReplayStates,
  StartReplayOptions,
  SteerOptions,
} from "./replay-answers.ts";
import { makeReplaysAgain, type ReplaysAgain } from "./replays-again.ts";
import type { RecordType } from "./requests/on-record.ts";

export interface ReplayActs {
  /**
   * Delivers one dead letter again. `id` is an event's or a delivery's. With `targetHandler` it goes to that handler, as a delivery of the replay's own,
   * and the dead letter stays.
   *
   * @throws NOT_FOUND, NOT_DEAD_LETTERED, HANDLER_AMBIGUOUS, DELIVERY_RUNNING, LETTER_NOT_FIRST, UPCAST_FAILED, MIGRATION_FAILED.
   */
  replay(id: string, options?: ReplayOptions): Promise<ReplayResult>;
  /** Delivers the oldest dead letters that match again, in their order within each entity. */
  replayBatch(filter: Omit<DeadLetterFilter, "tenant">, options?: ReplayBatchOptions): Promise<ReplayBatchResult>;
  /** Freezes a selection and says what its replay would do. A plan lives 24 h. @throws REQUEST_INVALID */
  planReplay(selection: Selection, options?: PlanOptions): Promise<Plan>;
  /** @throws NOT_FOUND */
  replayPlan(planId: string, options?: { readonly tenant?: string }): Promise<Plan>;
  /** Runs exactly what a plan lists, or tries it without effect. @throws NOT_FOUND, PLAN_STALE `{ changed }`, PLAN_USED `{ replayId, actor }` */
  startReplay(planId: string, options: StartReplayOptions): Promise<ReplayStarted>;
  /** Undefined for an unknown one. */
  replayState(replayId: string, options?: { readonly tenant?: string }): Promise<ReplayState | undefined>;
  /** Newest first. */
  replayStates(options: ReplayPageOptions): Promise<ReplayStates>;
  /** What became of each item, in the order in which they start; with the difference that lifting makes to its payload. @throws NOT_FOUND */
  replayReport(replayId: string, options: ReplayPageOptions): Promise<ReplayReport>;
  /** `cancel` answers `cancelling` until it is on record everywhere that nothing of it starts any more. @throws NOT_FOUND, REPLAY_ENDED */
  actOnReplay(replayId: string, verb: ReplayVerb, options?: SteerOptions): Promise<ReplayActed>;
  /** From now on. Null: no limit. @throws NOT_FOUND, REPLAY_ENDED */
  setReplayRate(replayId: string, ratePerSecond: number | null, options?: ActOptions): Promise<ReplayActed>;
}

interface ReplayNeeds {
  readonly replays: Replays;
  readonly views: Views;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Of the report's pages: the place of an item as a cursor, and back. */
  readonly cursors: { write(replayId: string, place: number): string; read(replayId: string, cursor: string | undefined): number | undefined };
}

const singlePatienceMs = 10_000;
const batchPatienceMs = 30_000;
const cancelPatienceMs = 5000;

export function makeReplayActs(needs: ReplayNeeds): ReplayActs {
  const again = makeReplaysAgain(needs);
  return { ...makeLetterReplays({ ...needs, again }), ...makePlannedReplays({ ...needs, again }), ...makeReplayReads(needs) };
}

/** Who chose what is replayed, and why. */
const chooserOf = (options: ActOptions) => ({ ...callerOf(options), ...actOf(options) }) as const;
const migrationOf = ({ migration }: { readonly migration?: string }) => (migration === undefined ? {} : { migration });

type LetterNeeds = Pick<ReplayNeeds, "replays" | "clock"> & { readonly again: ReplaysAgain };

function makeLetterReplays({ replays, clock, again }: LetterNeeds): Pick<ReplayActs, "replay" | "replayBatch"> {
  return {
    async replay(id, options = {}) {
      const { handler, targetHandler, patienceMs = singlePatienceMs } = options;
      const before = await again.single(options, patienceMs);
      if (before !== null) return before;
      const chosen = { ...chooserOf(options), handler, targetHandler: targetHandler ?? null, ...migrationOf(options) };
      const { replayId, letter, ended, position } = await replays.single(id, chosen);
      const end = await within(ended, patienceMs, clock, () => undefined);
      return {
        status: end?.outcome ?? "processing",
        replayId,
        deliveryId: deliveryId(targetHandler ?? letter.handler, letter.stream, letter.id, targetHandler === undefined ? undefined : replayId),
        originalEventId: letter.id,
        error: end?.error ?? null,
        position: positionText(end?.position ?? position),
      };
    },

    async replayBatch(filter, options = {}) {
      const { maxEvents = 100, ratePerSecond, patienceMs = batchPatienceMs } = options;
      const chosen = { ...chooserOf(options), maxEvents, ratePerSecond: ratePerSecond ?? null, ...migrationOf(options) };
      const before = await again.batch(options, patienceMs);
      if (before !== null) return before;
      const { replayId, figures, ended, position } = await replays.batch({ ...filter, tenant: chosen.tenant }, chosen);
      const end = await within(ended, patienceMs, clock, () => undefined);
      const { total, succeeded, failed, skipped, skips } = figures();
      return { replayId, total, succeeded, failed, skipped, skips, remaining: total - succeeded - failed - skipped, position: positionText(end ?? position) };
    },
  };
}

const recordOf = { pause: "replay.pausing", resume: "replay.resumed" } as const satisfies Partial<Record<ReplayVerb, RecordType>>;

type PlannedReplays = Pick<ReplayActs, "planReplay" | "replayPlan" | "startReplay" | "actOnReplay" | "setReplayRate">;

function makePlannedReplays({ replays, again }: Omit<LetterNeeds, "clock">): PlannedReplays {
  return {
    planReplay: async (selection, options = {}) =>
      replays.plans.make({
        ...callerOf(options),
        selection,
        targetHandler: options.targetHandler ?? null,
        ratePerSecond: options.ratePerSecond ?? null,
      }),

    replayPlan: async (planId, options) => replays.plans.show(planId, callerOf(options).tenant),

    async startReplay(planId, options) {
      const before = await again.started(options);
      if (before !== null) return before;
      const chosen = { ...chooserOf(options), reason: options.reason, terms: options.terms };
      const { replayId, figures, position } = await replays.startPlan(planId, chosen);
      const { status, total } = figures();
      return { replayId, status, total, position: positionText(position) };
    },

    async actOnReplay(replayId, verb, options = {}) {
      // A cancel is asked for again, so that it waits for the replay's end as the first one did.
      const before = verb === "cancel" ? null : await again.acted(replayId, recordOf[verb], options);
      if (before !== null) return before;
      const { status, position } = await replays.act(replayId, verb, { ...chooserOf(options), patienceMs: options.patienceMs ?? cancelPatienceMs });
      return { replayId, status, position: positionText(position) };
    },

    async setReplayRate(replayId, ratePerSecond, options = {}) {
      const before = await again.acted(replayId, "replay.rate_changed", options);
      if (before !== null) return before;
      const { status, position } = await replays.setRate(replayId, ratePerSecond, chooserOf(options));
      return { replayId, status, position: positionText(position) };
    },
  };
}

type ReplayReads = Pick<ReplayActs, "replayState" | "replayStates" | "replayReport">;

function makeReplayReads({ replays, views, log, catalog, cursors }: ReplayNeeds): ReplayReads {
  /** With what the process that runs a replay knows better than the views. */
  function now(view: ReplayView): ReplayState {
    const figures = view.endedAt === null ? replays.figures(view.replayId) : undefined;
    if (figures === undefined) return { ...view, followers: 0, releasesLeft: 0, secondsLeft: view.endedAt === null ? null : 0 };
    const { succeeded, failed, skipped, total } = figures;
    return { ...view, ...figures, remaining: total - succeeded - failed - skipped };
  }

  return {
    async replayState(replayId, options) {
      const view = await views.replay(callerOf(options).tenant, replayId);
      return view && now(view);
    },

    async replayStates({ tenant, ...page }) {
      const { replays: rows, nextCursor } = await views.replays(callerOf({ ...(tenant === undefined ? {} : { tenant }) }).tenant, page);
      return { replays: rows.map(now), nextCursor };
    },

    async replayReport(replayId, options) {
      const { limit, cursor } = options;
      const { tenant } = callerOf(options);
      const view = await views.replay(tenant, replayId);
      if (view === undefined) throw new RepriseError("NOT_FOUND", "There is no replay with this id.");
      const asked = { view, tenant, from: cursors.read(replayId, cursor) ?? 0, limit };
      const { items, next } = await onePage(() => readReport({ log, views, catalog }, asked, (at, count) => replays.items(replayId, at, count)));
      return { items, nextCursor: next === null ? null : cursors.write(replayId, next) };
    },
  };
}
