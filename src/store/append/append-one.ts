import type { Catalog } from "../../catalog/catalog.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import { positionText } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { streamName } from "../../event/names.ts";
import type { EventLog, ExpectedRevision } from "../../log/event-log.ts";
import { checkCallChains, refusalOf } from "./accept.ts";
import type { Place } from "./append-queue.ts";
import { complete } from "./complete.ts";
import type { EventInput } from "./event-input.ts";
import { appendGroup } from "./groups.ts";
import type { Places } from "./places.ts";

/** Nobody else can know the id. */
const madeHere = { idsAreNew: true } as const;

interface Needs {
  readonly catalog: Catalog;
  readonly log: Pick<EventLog, "append">;
  readonly newId: NewId;
}

interface Single {
  readonly tenant: string;
  readonly expected: ExpectedRevision;
  readonly places: Places;
  readonly place: Place;
}

/** Appends one event to which nobody gave an id: nothing has to be grouped, measured or looked up, and most appends are such. */
export async function appendOne(
  { catalog, log, newId }: Needs,
  input: EventInput,
  { tenant, expected, places, place }: Single,
): Promise<readonly AppendedEvent[]> {
  const { entity } = input;
  const sent = complete(input, catalog, newId);
  const refusal = refusalOf(sent, catalog, places, 0);
  if (refusal !== null) throw refusal;
  checkCallChains([sent], places);
  const events = [catalog.toStore(sent)];
  const before = place.before();
  if (before !== null) await before;
  const stored = appendGroup(log, { stream: streamName(tenant, entity), entity, events }, expected, events, madeHere);
  place.leave();
  const [{ id, revision, position, recordedAt, duplicate }] = (await stored) as readonly [Awaited<typeof stored>[number]];
  return [{ id, entity, revision, position: positionText(position), recordedAt, duplicate }];
}
