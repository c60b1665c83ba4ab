/** From a selection to the items of a plan: what can be delivered again, what cannot and why, and what it would release. */
import type { HandlerSpec } from "../delivery/handler-spec.ts";
import type { StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { HeldLane } from "../views/model/letters-to-replay.ts";
import { type Candidates, mustRun, type SelectedItem, SelectionCounts, type SelectNeeds, type SelectOptions } from "./candidates.ts";
import { laneOf } from "./items.ts";
import { asDelivered, eventsOf, type Liftability, liftability } from "./lift.ts";
import { selectHistory } from "./select-history.ts";
import { selectLetters } from "./select-letters.ts";
import type { Selection } from "./selection.ts";
import { behindAnother, eventRemoved } from "./why-left-alone.ts";

export interface Selected {
  readonly items: readonly SelectedItem[];
  readonly deadLetters: number;
  readonly releases: number;
  readonly byError: ReadonlyMap<string, number>;
  readonly ineligible: ReadonlyMap<string, number>;
  readonly invalid: PlanFindings["invalid"];
  readonly invalidTotal: number;
  /** Current names of the items' event types, sorted. */
  readonly types: readonly string[];
}

const behindUndeliverable = "an earlier event of its entity cannot be delivered";

export async function select(needs: SelectNeeds & { readonly log: EventLog }, selection: Selection, options: SelectOptions): Promise<Selected> {
  const { delivery, catalog, log } = needs;
  const target = options.targetHandler === null ? null : mustRun(delivery, options.targetHandler, "#/target_handler");
  const counts = new SelectionCounts();
  const isHistory = selection.kind === "history";
  const candidates = isHistory ? await selectHistory(needs, selection, options, counts) : await selectLetters(needs, selection, options, counts);
  const areLetters = target === null && !isHistory; // other handlers see the original data
  const lanes = new SelectedLanes(candidates.held, isHistory);
  const items: SelectedItem[] = [];
  for await (const { item, event } of eventsOf(log, options.tenant, candidates.items)) {
    const refusal = lanes.refusalOf(item) ?? (await refusalOf(item, event));
    if (refusal !== null) leaveOut(item, refusal);
    else {
      lanes.take(item);
      items.push(item);
      const error = candidates.errors.get(item);
      if (error !== undefined) counts.error(error);
    }
  }
  return { items, deadLetters: candidates.deadLetters, releases: lanes.releases(), ...findings(counts), types: typesOf(items) };

  async function refusalOf(item: SelectedItem, event: StoredEvent | undefined): Promise<Refusal | null> {
    if (event === undefined) return { reason: eventRemoved, closesLane: true };
    if (target !== null && !target.types.includes(item.type)) return { reason: doesNotTake(target, item), closesLane: false };
    if (lanes.isBehindAnother(item)) return { reason: behindAnother, closesLane: true };
    return unliftable(event, liftability(catalog, areLetters ? await asDelivered(delivery, item, event) : event));
  }

  function leaveOut(item: SelectedItem, { reason, invalid, closesLane }: Refusal): void {
    if (invalid === undefined) counts.leaveOut(reason);
    else counts.invalid(invalid);
    if (closesLane) lanes.close(item);
  }
}

/** Why an item is none of the plan's. `invalid`: its payload cannot be lifted. */
interface Refusal {
  readonly reason: string;
  readonly invalid?: PlanFindings["invalid"][number];
  /** What comes behind it in its lane cannot be delivered before it. */
  readonly closesLane: boolean;
}

function unliftable(event: StoredEvent, lift: Liftability): Refusal | null {
  switch (lift.kind) {
    case "ok":
      return null;
    case "newer_build":
      return { reason: "this build does not know its schema version", closesLane: true };
    case "damaged":
      return { reason: "the log's record of it is damaged", closesLane: true };
    case "invalid":
      return { reason: "its payload cannot be lifted", invalid: { eventId: event.id, step: lift.step, error: lift.error }, closesLane: true };
  }
}

/** What is chosen of each lane, and whether more of it may come. */
class SelectedLanes {
  readonly #held: Candidates["held"];
  readonly #isHistory: boolean;
  /** Why no further item of a lane may come. */
  readonly #closed = new Map<string, string>();
  /** Items of each lane so far. */
  readonly #chosen = new Map<string, number>();

  constructor(held: Candidates["held"], isHistory: boolean) {
    this.#held = held;
    this.#isHistory = isHistory;
  }

  refusalOf(item: SelectedItem): Refusal | null {
    const reason = this.#closed.get(laneOf(item));
    return reason === undefined ? null : { reason, closesLane: false };
  }

  /** In a strict lane, the plan takes dead letters from the first one on, without a gap. */
  isBehindAnother(item: SelectedItem): boolean {
    const held = this.#strict(item);
    return held !== undefined && held.letters[this.#chosen.get(laneOf(item)) ?? 0] !== item.revision;
  }

  take(item: SelectedItem): void {
    const lane = laneOf(item);
    this.#chosen.set(lane, (this.#chosen.get(lane) ?? 0) + 1);
  }

  close(item: SelectedItem): void {
    if (this.#strict(item) !== undefined) this.#closed.set(laneOf(item), behindAnother);
    else if (this.#isHistory) this.#closed.set(laneOf(item), behindUndeliverable);
  }

  /** Events that follow when all dead letters of their lanes are chosen. */
  releases(): number {
    let releases = 0;
    for (const [lane, { held, letters }] of this.#held) if (this.#chosen.get(lane) === letters.length) releases += held;
    return releases;
  }

  #strict(item: SelectedItem): HeldLane | undefined {
    const held = this.#held.get(laneOf(item));
    return held?.ordering === "strict" ? held : undefined;
  }
}

const doesNotTake = ({ name }: HandlerSpec, { type }: SelectedItem): string => `handler ${name} does not take ${type}`;

const typesOf = (items: readonly SelectedItem[]): readonly string[] => [...new Set(items.map(({ type }) => type))].sort();

const findings = ({ errors, ineligible, invalids, invalidTotal }: SelectionCounts) => ({ byError: errors, ineligible, invalid: invalids, invalidTotal });
