/** The change of a delivery that one record of a handler's journal tells of, and what it completes. */
import type { StoredEvent } from "../../event/event.ts";
import { partDeliveryId } from "../../event/ids.ts";
import { handlerOfJournal, parseStreamName } from "../../event/names.ts";
import type { JournalData, JournalEvent } from "../../records/journal.ts";
import { singlyIfOurs } from "../../records/progress.ts";
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

/** Whatever the record completes besides: its own change is told last, and is its last message for each reader. */
const lastOfRecord = Number.MAX_SAFE_INTEGER;

/** @returns none for a record that tells of no delivery of its own, and for one that Reprise did not write. */
export function changesOf(stored: StoredEvent): readonly Change[] {
  if (stored.source !== "reprise" || stored.damage !== undefined) return [];
  return singlyIfOurs(stored as unknown as JournalEvent)
    .map(changeOf)
    .filter((change) => change !== null);
}

function changeOf({ type, data }: JournalEvent): Change | null {
  switch (type) {
    case "delivery.failed":
    case "delivery.deferred":
      return known({ ...aboutOf(data), status: "failed" });
    case "delivery.dead_lettered":
      return known({ ...aboutOf(data), status: data.escalated ? "escalated" : "dead_lettered" });
    case "delivery.settled":
      return known({ ...aboutOf(data), status: data.outcome });
    default:
      return null;
  }
}

function aboutOf({ lane, revision, eventId, part }: About & Pick<JournalData["delivery.failed"], "part">) {
  return { lane, revision, eventId, ...(part === undefined ? {} : { part }) };
}

/** A stream of ours may hold what another program wrote under our name. */
function known(change: Change): Change | null {
  const { lane, revision, eventId } = change;
  return typeof lane === "string" && Number.isInteger(revision) && typeof eventId === "string" ? change : null;
}

/** @param index of what it completes: which of them it is. */
export function toldOf(
  { position, stream }: StoredEvent,
  { lane, revision, eventId, status, part }: Change,
  { index = lastOfRecord, storedType = null }: Partial<Pick<ToldDelivery, "index" | "storedType">> = {},
): ToldDelivery | null {
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
    storedType,
  };
}
