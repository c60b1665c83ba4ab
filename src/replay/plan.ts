/** Plans: a selection, frozen at a place in the log, with what would happen. A stream each, `reprise.plan-<id>`, without payloads. */
import { LRUCache } from "lru-cache";
import type { Catalog } from "../catalog/catalog.ts";
import { notInTime, withPatience } from "../delivery/journal/patience.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import { type Clock, toIso } from "../event/clock.ts";
import { isUuid, type NewId } from "../event/ids.ts";
import { planStream } from "../event/names.ts";
import { makeTurns } from "../event/turns.ts";
import type { EventLog } from "../log/event-log.ts";
import { makePageRoom } from "../log/page-bytes.ts";
import { ownEvent } from "../records/own-event.ts";
import type { PlanFindings, PlanStreamData } from "../records/plan.ts";
import type { ReplayRequested } from "../records/replay.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Views } from "../views/model.ts";
import { appendAll, partsOf } from "./items.ts";
import { asDelivered, eventsOf, type Sample, toSample } from "./lift.ts";
import { type Selected, select } from "./select.ts";
import type { Selection } from "./selection.ts";
import { changesSince } from "./stale.ts";

export interface PlanParts {
  readonly log: EventLog;
  readonly views: Views;
  readonly delivery: RunningHandlers;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

export interface PlanRequest {
  readonly tenant: string;
  readonly actor: string;
  readonly selection: Selection;
  /** To this handler instead: deliveries of the replay's own, and dead letters stay what they are. */
  readonly targetHandler: string | null;
  /** For the estimate only. */
  readonly ratePerSecond: number | null;
}

/** A plan as it is shown. */
export interface Plan extends Omit<PlanFindings, "samples"> {
  readonly samples: readonly Sample[];
  /** Null without a rate. */
  readonly estimatedSeconds: number | null;
  /** What it started, once it was used. */
  readonly used: { readonly replayId: string; readonly actor: string } | null;
}

/** A plan with all that a replay needs of it. */
export interface FrozenPlan {
  readonly findings: PlanFindings;
  /** Revision of `plan.made`: who appends behind it first has the plan. */
  readonly revision: number;
  readonly used: ReplayRequested | null;
}

const planLifeMs = 24 * 3_600_000;
/** Of one plan. Larger selections are several plans: each is a bounded act. */
export const maxPlanItems = 100_000;
const maxSamples = 5;
const maxErrors = 50;

export interface Plans {
  /** @throws REQUEST_INVALID for a selection that is too large, or names a handler or type that does not fit. */
  make(request: PlanRequest): Promise<Plan>;
  /** @throws NOT_FOUND */
  show(planId: string, tenant: string): Promise<Plan>;
  read(planId: string, tenant: string): Promise<FrozenPlan>;
  items(planId: string): Promise<readonly ReplayItem[]>;
  /** @throws PLAN_STALE when it is too old, or what it lists has changed. */
  mustBeFresh(plan: FrozenPlan, items: readonly ReplayItem[]): Promise<void>;
  /** Makes the plan this replay's. @throws PLAN_USED when another one was first. */
  use(plan: FrozenPlan, job: ReplayRequested): Promise<bigint>;
}

export function makePlans(parts: PlanParts): Plans {
  const { log, views, delivery, catalog, clock, newId, signal } = parts;

  /** Monotonic. Of the last plans of this process. */
  const madeHere = new LRUCache<string, number>({ max: 10_000 });

  async function read(planId: string, tenant: string): Promise<FrozenPlan> {
    let findings: PlanFindings | null = null;
    let used: ReplayRequested | null = null;
    let revision = -1;
    if (isUuid(planId))
      for await (const batch of log.readStream(planStream(planId), { direction: "backward", limit: 2 }))
        for (const event of batch)
          if (event.type === "plan.used") used = (event.data as unknown as PlanStreamData["plan.used"]).job;
          else if (event.type === "plan.made") {
            findings = event.data as unknown as PlanFindings;
            revision = event.revision;
          }
    if (findings === null || findings.tenant !== tenant) throw new RepriseError("NOT_FOUND", "There is no plan with this id.");
    return { findings, revision, used };
  }

  async function present({ findings, used }: FrozenPlan, items: readonly ReplayItem[]): Promise<Plan> {
    const chosen = findings.samples.flatMap((place) => items[place] ?? []);
    const samples: Sample[] = [];
    const letters = findings.targetHandler === null && findings.selection.kind !== "history"; // others see the original
    const room = makePageRoom();
    for await (const { item, event } of eventsOf(log, findings.tenant, chosen)) {
      const sample = event && toSample(catalog, letters ? await asDelivered(delivery, item, event) : event);
      if (sample === undefined) continue;
      if (!room.takes(sample)) break;
      samples.push(sample);
    }
    const { ratePerSecond: rate, deliveries, releases } = findings;
    return {
      ...findings,
      samples,
      estimatedSeconds: rate === null ? null : Math.ceil((deliveries + releases) / rate),
      used: used && { replayId: used.replayId, actor: used.actor },
    };
  }

  /** By the clock that nobody sets, as far as this process made the plan. */
  function ageMsOf({ planId, madeAt }: PlanFindings): number {
    const madeMs = madeHere.get(planId);
    return madeMs === undefined ? clock.now() - Date.parse(madeAt) : clock.monotonicMs() - madeMs;
  }

  async function items(planId: string): Promise<readonly ReplayItem[]> {
    const all: ReplayItem[] = [];
    for await (const batch of log.readStream(planStream(planId)))
      for (const { type, data } of batch)
        if (type === "replay.items") for (const item of (data as unknown as PlanStreamData["replay.items"]).items) all.push(item);
    return all;
  }

  return {
    async make({ tenant, actor, selection, targetHandler, ratePerSecond }) {
      await views.waitFor(await log.head());
      const cutoff = views.position();
      const selected = await select({ log, views, delivery, catalog }, { tenant, selection, targetHandler, maxItems: maxPlanItems });
      const madeMs = clock.now();
      const madeMonotonicMs = clock.monotonicMs();
      const findings: PlanFindings = {
        planId: newId(),
        tenant,
        actor,
        selection: selection.stored,
        targetHandler,
        cutoff: cutoff.toString(),
        madeAt: toIso(madeMs),
        expiresAt: toIso(madeMs + planLifeMs),
        ...(await summary(selected)),
        ratePerSecond,
        chains: Object.fromEntries(selected.types.map((type) => [type, catalog.chainFingerprint(type)])),
      };
      const stream = planStream(findings.planId);
      const made = ownEvent(newId, "plan.made", findings satisfies PlanStreamData["plan.made"]);
      const parts = await partsOf(newId, selected.items);
      // Without its last event there is no plan: what stands before it names nothing.
      const { revision } = await withPatience(clock, (patience) =>
        appendAll(
          async (to, events, expected) => {
            if (patience.over) throw notInTime();
            return (await log.append(to, events, expected)).at(-1)!;
          },
          stream,
          [...parts, made],
        ),
      );
      madeHere.set(findings.planId, madeMonotonicMs);
      return present({ findings, revision, used: null }, selected.items);
    },

    async show(planId, tenant) {
      const plan = await read(planId, tenant);
      return present(plan, await items(planId));
    },

    read,
    items,

    async mustBeFresh({ findings }, listed) {
      if (ageMsOf(findings) >= planLifeMs)
        throw new RepriseError("PLAN_STALE", `The plan expired at ${findings.expiresAt}.`, { fields: { expiresAt: findings.expiresAt, changed: [] } });
      const changed = await changesSince(findings, listed, { delivery, catalog });
      if (changed.length === 0) return;
      const what = changed.map(({ reason, count }) => `${count} ${reason}`).join("; ");
      throw new RepriseError("PLAN_STALE", `What the plan lists has changed since ${findings.madeAt}: ${what}.`, {
        fields: { changed: changed.map(({ reason, count, eventIds }) => ({ reason, count, event_ids: eventIds })) },
      });
    },

    async use({ findings, revision, used }, job) {
      const taken = ({ replayId, actor, reason }: ReplayRequested) =>
        new RepriseError("PLAN_USED", `${actor} started the plan as replay ${replayId}${reason === null ? "" : ` (${reason})`}.`, {
          fields: { replayId, actor },
        });
      if (used !== null) throw taken(used);
      try {
        const data = { job } satisfies PlanStreamData["plan.used"];
        const record = { stream: planStream(findings.planId), events: [ownEvent(newId, "plan.used", data)], expected: revision };
        return (await recordAct({ log, clock, signal }, record)).position;
      } catch (error) {
        if (!isRepriseError(error, "REVISION_CONFLICT")) throw error;
        const { used: first } = await read(findings.planId, findings.tenant);
        throw first === null ? error : taken(first);
      }
    },
  };
}

async function summary({ items, deadLetters, releases, byError, ineligible, invalid, invalidTotal, types }: Selected) {
  const turns = makeTurns();
  const entities = new Set<string>();
  const handlers = new Map<string, { deliveries: number; readonly entities: Set<string> }>();
  for (const { handler, lane } of items) {
    if (turns.due()) await turns.next();
    entities.add(lane);
    const its = handlers.get(handler) ?? { deliveries: 0, entities: new Set<string>() };
    handlers.set(handler, its);
    its.deliveries++;
    its.entities.add(lane);
  }
  return {
    deliveries: items.length,
    deadLetters,
    releases,
    entities: entities.size,
    byHandler: Array.from(handlers, ([handler, its]) => ({ handler, deliveries: its.deliveries, entities: its.entities.size })),
    byError: counted(byError)
      .map(([error, count]) => ({ error, count }))
      .slice(0, maxErrors),
    ineligible: counted(ineligible).map(([reason, count]) => ({ reason, count })),
    invalid,
    invalidTotal,
    samples: samplePlaces(items, types),
  };
}

const counted = (counts: ReadonlyMap<string, number>) => [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));

/** Of each event type one, then others, spread over the plan. */
function samplePlaces(items: Selected["items"], types: readonly string[]): readonly number[] {
  const wanted = new Set(types);
  const places = new Set<number>();
  for (let place = 0; place < items.length && wanted.size > 0 && places.size < maxSamples; place++) if (wanted.delete(items[place]!.type)) places.add(place);
  for (let step = 0; step < maxSamples && places.size < Math.min(maxSamples, items.length); step++) places.add(Math.floor((step * items.length) / maxSamples));
  return [...places].slice(0, maxSamples);
}
