/** A plan as it is shown: its figures, with samples of payloads before and after lifting today. */
import type { Catalog } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import type { EventLog } from "../log/event-log.ts";
import { makePageRoom } from "../log/page-bytes.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import { asDelivered, eventsOf, type Sample, toSample } from "./lift.ts";
import type { FrozenPlan } from "./plan-stream.ts";

export interface Plan extends Omit<PlanFindings, "samples"> {
  readonly samples: readonly Sample[];
  /** Null without a rate. */
  readonly estimatedSeconds: number | null;
  /** What the plan started; null while nobody has used it. */
  readonly used: { readonly replayId: string; readonly actor: string } | null;
}

export interface ShowPlanNeeds {
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly delivery: RunningHandlers;
}

export async function showPlan({ log, catalog, delivery }: ShowPlanNeeds, { findings, used }: FrozenPlan, items: readonly ReplayItem[]): Promise<Plan> {
  const chosen = findings.samples.flatMap((place) => items[place] ?? []);
  const samples: Sample[] = [];
  const areLetters = findings.targetHandler === null && findings.selection.kind !== "history"; // other handlers see the original data
  const room = makePageRoom();
  for await (const { item, event } of eventsOf(log, findings.tenant, chosen)) {
    const sample = event && toSample(catalog, areLetters ? await asDelivered(delivery, item, event) : event);
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
