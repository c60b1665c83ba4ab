/** Events of the past that a selection names, as candidates for a plan: deliveries of the replay's own. */
import { comparePositions } from "../event/event.ts";
import type { DeliveryStatus } from "../views/model/delivery.ts";
import type { HistoryPointer } from "../views/model/history.ts";
import { archivedHistory } from "./archived-history.ts";
import { type Candidates, mustFit, mustRun, refused, type SelectedItem, type SelectionCounts, type SelectNeeds, type SelectOptions } from "./candidates.ts";
import type { Selection } from "./selection.ts";

type HistorySelection = Extract<Selection, { kind: "history" }>;

export async function selectHistory(
  { views, delivery, catalog, archives }: SelectNeeds,
  selection: HistorySelection,
  { tenant, targetHandler, maxItems }: SelectOptions,
  counts: SelectionCounts,
): Promise<Candidates> {
  const source = mustRun(delivery, selection.handler, "#/selection/history/handler");
  const receiver = targetHandler === null ? source : mustRun(delivery, targetHandler, "#/target_handler");
  const types = selection.filter.types ?? receiver.types;
  const foreign = types.filter((type) => !receiver.types.includes(catalog.resolve(type) ?? type));
  if (foreign.length > 0)
    throw refused("#/selection/history/event_types", `Handler ${receiver.name} does not take ${foreign.join(", ")}: it takes ${receiver.types.join(", ")}.`);
  const { fromArchive = false, ...filter } = selection.filter;
  const past = { ...filter, tenant, handler: source.name, types };
  const kept = await views.history(past, maxItems + 1);
  const events = fromArchive ? merged(kept, await archivedHistory(archives, catalog, past, maxItems + 1)) : kept;
  mustFit(events.length, maxItems);
  const items: SelectedItem[] = [];
  for (const { stream: lane, revision, position, eventId, type, status } of events) {
    const reason = targetHandler === null ? whyNotAgain(status) : null;
    if (reason !== null) counts.leaveOut(reason);
    else items.push({ handler: receiver.name, lane, revision, at: position.toString(), eventId, attempts: 0, type: catalog.resolve(type) ?? type });
  }
  return { items, errors: new Map(), held: new Map(), deadLetters: 0 };
}

/** What is archived, and what the log has, in log order. An event that is about to leave the log may be in both. */
function merged(kept: readonly HistoryPointer[], archived: readonly HistoryPointer[]): readonly HistoryPointer[] {
  const ids = new Set(kept.map(({ eventId }) => eventId));
  return [...archived.filter(({ eventId }) => !ids.has(eventId)), ...kept].sort((a, b) => comparePositions(a.position, b.position));
}

/** A replay of history delivers events again that are done, or were never wanted. An event that waits in its lane is delivered without a replay. */
function whyNotAgain(status: DeliveryStatus | null): string | null {
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
