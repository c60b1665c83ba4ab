/** The changes of deliveries that one record of a handler's journal tells of. */
import type { StoredEvent } from "../../event/event.ts";
import { partDeliveryId } from "../../event/ids.ts";
import { handlerOfJournal, parseStreamName } from "../../event/names.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import type { DeliveryStatus } from "../../views/model/delivery.ts";
import type { ToldDelivery } from "./told.ts";

/** One change, and which event it is about. */
export interface Change {
  readonly lane: string;
  readonly revision: number;
  readonly eventId: string;
  readonly status: DeliveryStatus;
  readonly part?: number;
}

type About = Pick<Change, "lane" | "revision" | "eventId">;

/** @returns none for a record that tells of no delivery, and for one that Reprise did not write. */
export function changesOf(stored: StoredEvent): readonly Change[] {
  if (stored.source !== "reprise" || stored.damage !== undefined) return [];
  const { type, data } = stored as unknown as JournalEvent;
  switch (type) {
    case "delivery.failed":
    case "delivery.deferred":
      return known([{ ...aboutOf(data), status: "failed" }]);
    case "delivery.dead_lettered":
      return known([{ ...aboutOf(data), status: data.escalated ? "escalated" : "dead_lettered" }]);
    case "delivery.settled":
      return known([{ ...aboutOf(data), status: data.outcome }]);
    case "progress":
      return known((data.completed ?? []).map((each) => ({ ...aboutOf(each), status: "completed" as const })));
    default:
      return [];
  }
}

function aboutOf({ lane, revision, eventId, part }: About & Pick<JournalData["delivery.failed"], "part">) {
  return { lane, revision, eventId, ...(part === undefined ? {} : { part }) };
}

/** A stream of ours may hold what another program wrote under our name. */
function known(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ lane, revision, eventId }) => typeof lane === "string" && Number.isInteger(revision) && typeof eventId === "string");
}

export function toldOf({ position, stream }: StoredEvent, { lane, revision, eventId, status, part }: Change, index: number): ToldDelivery | null {
  const handler = handlerOfJournal(stream);
  const name = parseStreamName(lane);
  if (handler === null || name === null) return null;
  return {
    kind: "delivery",
    position,
    index,
    ...name,
    deliveryId: partDeliveryId(handler, lane, eventId, part),
    handler,
    revision,
    status,
    storedType: null,
  };
}
