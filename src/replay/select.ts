/** From a selection to the items of a plan: what can be delivered again, what cannot and why, and what it would release. */
import type { Catalog } from "../catalog/catalog.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import { makeTurns } from "../event/turns.ts";
import type { EventLog } from "../log/event-log.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { DeliveryStatus, HistoryPointer, LetterPointer, Views } from "../views/model.ts";
import { laneOf } from "./items.ts";
import { asDelivered, eventsOf, liftability } from "./lift.ts";
import type { Selection } from "./selection.ts";
import { behindAnother, eventRemoved, whyLeftAlone } from "./why-left-alone.ts";

export interface SelectOptions {
  readonly tenant: string;
  readonly selection: Selection;
  readonly targetHandler: string | null;
  readonly maxItems: number;
}

/** An item, and what the plan alone has to know of it. */
export interface SelectedItem extends ReplayItem {
  /** The event's type by its current name. */
  readonly type: string;
}

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

type Parts = { readonly log: EventLog; readonly views: Views; readonly delivery: RunningHandlers; readonly catalog: Catalog };

const maxInvalid = 100;

export async function select(parts: Parts, options: SelectOptions): Promise<Selected> {
  const { selection, targetHandler } = options;
  const target = targetHandler === null ? null : mustRun(parts.delivery, targetHandler, "#/target_handler");
  const gathered = new Gathered();
  const candidates = selection.kind === "history" ? await historyOf(parts, options, gathered) : await lettersOf(parts, options, gathered);
  const lanes = candidates.held;
  /** Lanes of which no further item may come: one of them cannot be delivered. */
  const closed = new Map<string, string>();
  const items: SelectedItem[] = [];
  /** Items of each lane so far. */
  const chosen = new Map<string, number>();
  for await (const { item, event } of eventsOf(parts.log, options.tenant, candidates.items)) {
    const lane = laneOf(item);
    const held = lanes.get(lane);
    const refuse = (reason: string | null): void => {
      if (reason !== null) gathered.refuse(reason);
      if (held?.ordering === "strict") closed.set(lane, behindAnother);
      else if (selection.kind === "history") closed.set(lane, "an earlier event of its entity cannot be delivered");
    };
    const before = closed.get(lane);
    const taken = chosen.get(lane) ?? 0;
    if (before !== undefined) gathered.refuse(before);
    else if (event === undefined) refuse(eventRemoved);
    else if (target !== null && !target.types.includes(item.type)) gathered.refuse(`handler ${target.name} does not take ${item.type}`);
    else if (held?.ordering === "strict" && held.letters[taken] !== item.revision) refuse(behindAnother);
    else {
      const letter = target === null && selection.kind !== "history"; // others see the original
      const lift = liftability(parts.catalog, letter ? await asDelivered(parts.delivery, item, event) : event);
      if (lift.kind === "newer_build") refuse("this build does not know its schema version");
      else if (lift.kind === "damaged") refuse("the log's record of it is damaged");
      else if (lift.kind === "invalid") {
        gathered.invalid(event.id, lift.step, lift.error);
        refuse(null);
      } else {
        items.push(item);
        chosen.set(lane, taken + 1);
        if (candidates.errors.has(item)) gathered.error(candidates.errors.get(item)!);
      }
    }
  }
  let releases = 0;
  for (const [lane, { held, letters }] of lanes) if (chosen.get(lane) === letters.length) releases += held;
  return {
    items,
    deadLetters: candidates.deadLetters,
    releases,
    byError: gathered.errors,
    ineligible: gathered.ineligible,
    invalid: gathered.invalids,
    invalidTotal: gathered.invalidTotal,
    types: [...new Set(items.map(({ type }) => type))].sort(),
  };
}

interface Candidates {
  /** Oldest first. */
  readonly items: readonly SelectedItem[];
  /** Texts of the errors of dead letters. */
  readonly errors: ReadonlyMap<SelectedItem, string>;
  /** By lane; of dead letters that are to be delivered again in their own lanes. */
  readonly held: ReadonlyMap<string, Awaited<ReturnType<Views["heldLanes"]>>[number]>;
  readonly deadLetters: number;
}

async function lettersOf(
  { views, delivery, catalog }: Parts,
  { tenant, selection, targetHandler, maxItems }: SelectOptions,
  gathered: Gathered,
): Promise<Candidates> {
  let letters: readonly LetterPointer[];
  if (selection.kind === "ids") {
    const found = await views.deadLettersOf(tenant, selection.ids);
    letters = found.letters;
    gathered.refuse("not dead-lettered", found.notDeadLettered);
    gathered.refuse("there is no such event or delivery", found.unknown);
  } else if (selection.kind === "dead_letters") letters = await views.oldestDeadLetters({ ...selection.filter, tenant }, maxItems + 1);
  else return { items: [], errors: new Map(), held: new Map(), deadLetters: 0 };
  mustFit(letters.length, maxItems);

  const own = targetHandler !== null;
  const turns = makeTurns();
  const eligible: LetterPointer[] = [];
  for (const letter of letters) {
    if (turns.due()) await turns.next();
    const reason = own ? null : whyNot(delivery, letter);
    if (reason === null) eligible.push(letter);
    else gathered.refuse(reason);
  }
  const lanes = own ? [] : [...new Map(eligible.map(({ handler, stream }) => [laneOf({ handler, lane: stream }), { handler, stream }])).values()];
  const known = await views.heldLanes(lanes);
  const held = new Map(lanes.map(({ handler, stream }, index) => [laneOf({ handler, lane: stream }), known[index]!]));
  const errors = new Map<SelectedItem, string>();
  const items: SelectedItem[] = [];
  for (const letter of eligible) {
    if (turns.due()) await turns.next();
    const { handler, stream, revision, position, eventId, attempts, type, error } = letter;
    const through = held.get(laneOf({ handler, lane: stream }))?.through ?? null;
    const item: SelectedItem = {
      handler: targetHandler ?? handler,
      lane: stream,
      revision,
      at: position.toString(),
      eventId,
      attempts: own ? 0 : attempts,
      ...(through === null ? {} : { through }),
      type: catalog.resolve(type) ?? type,
    };
    errors.set(item, `${error.type}: ${error.message}`);
    items.push(item);
  }
  return { items, errors, held, deadLetters: letters.length };
}

async function historyOf(
  { views, delivery, catalog }: Parts,
  { tenant, selection, targetHandler, maxItems }: SelectOptions,
  gathered: Gathered,
): Promise<Candidates> {
  if (selection.kind !== "history") return { items: [], errors: new Map(), held: new Map(), deadLetters: 0 };
  const source = mustRun(delivery, selection.handler, "#/selection/history/handler");
  const receiver = targetHandler === null ? source : mustRun(delivery, targetHandler, "#/target_handler");
  const types = selection.filter.types ?? receiver.types;
  const foreign = types.filter((type) => !receiver.types.includes(catalog.resolve(type) ?? type));
  if (foreign.length > 0)
    throw refused("#/selection/history/event_types", `Handler ${receiver.name} does not take ${foreign.join(", ")}: it takes ${receiver.types.join(", ")}.`);
  const events = await views.history({ ...selection.filter, tenant, handler: source.name, types }, maxItems + 1);
  mustFit(events.length, maxItems);
  const items = events.flatMap((event): SelectedItem[] => {
    const reason = targetHandler === null ? whyNotHistory(event.status) : null;
    if (reason !== null) {
      gathered.refuse(reason);
      return [];
    }
    return [toHistoryItem(receiver.name, catalog, event)];
  });
  return { items, errors: new Map(), held: new Map(), deadLetters: 0 };
}

function toHistoryItem(handler: string, catalog: Catalog, { stream, revision, position, eventId, type }: HistoryPointer): SelectedItem {
  return { handler, lane: stream, revision, at: position.toString(), eventId, attempts: 0, type: catalog.resolve(type) ?? type };
}

/** A history replay delivers again what is done with, or was never wanted; what waits in its lane comes by itself. */
function whyNotHistory(status: DeliveryStatus | null): string | null {
  switch (status) {
    case null:
    case "completed":
    case "replayed":
    case "discarded":
    case "skipped":
      return null;
    case "dead_lettered":
    case "escalated":
      return "dead-lettered: replay it as a dead letter";
    default:
      return "not delivered yet: it waits in its lane";
  }
}

function whyNot(delivery: RunningHandlers, { handler, stream, revision }: LetterPointer): string | null {
  try {
    delivery.must(handler).letters.mayAct(stream, revision, "replay");
    return null;
  } catch (error) {
    if (isRepriseError(error, "LETTER_NOT_FIRST")) return null; // the plan may have the earlier one, too
    const reason = whyLeftAlone(error);
    if (reason !== null) return reason;
    throw error;
  }
}

function mustRun(delivery: RunningHandlers, handler: string, pointer: string) {
  const spec = delivery.find(handler)?.spec;
  if (spec === undefined) throw refused(pointer, `Handler ${handler} does not run here.`);
  return spec;
}

function mustFit(count: number, maxItems: number): void {
  if (count > maxItems)
    throw refused("#/selection", `The selection has more than ${maxItems} deliveries, which is as many as one plan takes: narrow it by handler, type or time.`);
}

function refused(pointer: string, detail: string): RepriseError {
  return new RepriseError("REQUEST_INVALID", detail, { errors: [{ pointer, detail }] });
}

class Gathered {
  readonly errors = new Map<string, number>();
  readonly ineligible = new Map<string, number>();
  readonly invalids: PlanFindings["invalid"][number][] = [];
  invalidTotal = 0;

  refuse(reason: string, count = 1): void {
    if (count > 0) this.ineligible.set(reason, (this.ineligible.get(reason) ?? 0) + count);
  }

  error(text: string): void {
    this.errors.set(text, (this.errors.get(text) ?? 0) + 1);
  }

  invalid(eventId: string, step: string, error: PlanFindings["invalid"][number]["error"]): void {
    this.invalidTotal++;
    if (this.invalids.length < maxInvalid) this.invalids.push({ eventId, step, error });
  }
}
