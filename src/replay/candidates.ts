/** The result of a selection before its events are read: the candidates for a plan's items, and why others are none. */
import type { Catalog } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { RepriseError } from "../errors.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { Archives } from "../retention/archive/archives.ts";
import type { HeldLane } from "../views/model/letters-to-replay.ts";
import type { Views } from "../views/model/views.ts";

export interface SelectNeeds {
  readonly views: Pick<Views, "oldestDeadLetters" | "deadLettersOf" | "heldLanes" | "history">;
  readonly delivery: RunningHandlers;
  readonly catalog: Catalog;
  readonly archives: Archives;
}

export interface SelectOptions {
  readonly tenant: string;
  /** The handler that gets the events in place of the one that was selected by. */
  readonly targetHandler: string | null;
  readonly maxItems: number;
}

/** An item, and the facts that only the plan needs. */
export interface SelectedItem extends ReplayItem {
  /** The event's type by its current name. */
  readonly type: string;
}

export interface Candidates {
  /** Oldest first. */
  readonly items: readonly SelectedItem[];
  /** Texts of the errors of dead letters. */
  readonly errors: ReadonlyMap<SelectedItem, string>;
  /** By lane; of dead letters that are to be delivered again in their own lanes. */
  readonly held: ReadonlyMap<string, HeldLane>;
  /** Dead letters that the selection matched. */
  readonly deadLetters: number;
}

const maxInvalid = 100;

/** Counts the selected deliveries that do not become items, and the errors of those that do. */
export class SelectionCounts {
  readonly errors = new Map<string, number>();
  readonly ineligible = new Map<string, number>();
  /** The first ones. */
  readonly invalids: PlanFindings["invalid"][number][] = [];
  invalidTotal = 0;

  leaveOut(reason: string, count = 1): void {
    if (count > 0) this.ineligible.set(reason, (this.ineligible.get(reason) ?? 0) + count);
  }

  error(text: string): void {
    this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
  }

  invalid(found: PlanFindings["invalid"][number]): void {
    this.invalidTotal++;
    if (this.invalids.length < maxInvalid) this.invalids.push(found);
  }
}

/** @throws REQUEST_INVALID, at this place of the request, for a handler that does not run here. */
export function mustRun(delivery: Pick<RunningHandlers, "find">, handler: string, pointer: string) {
  const spec = delivery.find(handler)?.spec;
  if (spec === undefined) throw refused(pointer, `Handler ${handler} does not run here.`);
  return spec;
}

/** @throws REQUEST_INVALID */
export function mustFit(count: number, maxItems: number): void {
  if (count > maxItems)
    throw refused("#/selection", `The selection has more than ${maxItems} deliveries, which is as many as one plan takes: narrow it by handler, type or time.`);
}

export function refused(pointer: string, detail: string): RepriseError {
  return new RepriseError("REQUEST_INVALID", detail, { errors: [{ pointer, detail }] });
}
