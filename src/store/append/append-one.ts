import type { Catalog } from "../../catalog/catalog.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import { type NewEvent, positionText } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { streamName } from "../../event/names.ts";
import type { EventLog, ExpectedRevision, AppendedEvent as LogsAppendedEvent } from "../../log/event-log.ts";
import { checkCallChains, refusalOf } from "./accept.ts";
import type { Place } from "./append-queue.ts";
import { complete } from "./complete.ts";
import type { EventInput } from "./event-input.ts";
import { withEventIds } from "./groups.ts";
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

/**
 * Appends one event to which nobody gave an id: nothing has to be grouped, measured or looked up, and most appends are such. Not async, because each async
 * function between a request and the log costs it about half a microsecond.
 *
 * @throws what the catalog refuses, at once.
 */
export function appendOne({ catalog, log, newId }: Needs, input: EventInput, { tenant, expected, places, place }: Single): Promise<readonly AppendedEvent[]> {
  const { entity } = input;
  const sent = complete(input, catalog, newId);
  const refusal = refusalOf(sent, catalog, places, 0);
  if (refusal !== null) throw refusal;
  if (sent.metadata.callChain !== undefined) checkCallChains([sent], places);
  const { id } = sent;
  return stored(log, { stream: streamName(tenant, entity), event: catalog.toStore(sent), expected, place }).then(
    (answers) => {
      const { revision, position, recordedAt, duplicate } = answers[0]!;
      return [{ id, entity, revision, position: positionText(position), recordedAt, duplicate }];
    },
    (error: unknown) => {
      throw withEventIds(error, [{ id }]);
    },
  );
}

interface Storing extends Pick<Single, "expected" | "place"> {
  readonly stream: string;
  readonly event: NewEvent;
}

/** Apart, so that what waits for the answer does not hold the event: see EncodedEvent. */
function stored(log: Needs["log"], storing: Storing): Promise<readonly LogsAppendedEvent[]> {
  const before = storing.place.before();
  return before === null ? store(log, storing) : before.then(() => store(log, storing));
}

function store(log: Needs["log"], { stream, event, expected, place }: Storing): Promise<readonly LogsAppendedEvent[]> {
  const storing = log.append(stream, [event], expected, madeHere);
  place.leave();
  return storing;
}
