/** Decides by the catalog whether events may be stored, and makes the events that are stored. */
import type { Catalog } from "../../catalog/catalog.ts";
import { isRepriseError, RepriseError } from "../../errors.ts";
import type { NewEvent } from "../../event/event.ts";
import { streamName } from "../../event/names.ts";
import type { Turns } from "../../event/turns.ts";
import type { EventLog } from "../../log/event-log.ts";
import { type Known, readKnown } from "./append-known.ts";
import type { Place } from "./append-queue.ts";
import type { EventInput } from "./event-input.ts";
import type { Places } from "./places.ts";

/** An append as it was asked for, its shape checked. */
export interface Asked {
  readonly inputs: readonly EventInput[];
  readonly tenant: string;
  readonly places: Places;
  readonly turns: Turns;
}

interface AcceptNeeds {
  readonly catalog: Catalog;
  readonly log: Pick<EventLog, "findByIds">;
}

/**
 * @param sent the events of the inputs, completed.
 * @param place is left where the log has to be read, which may take long.
 * @returns the events as they are stored.
 * @throws EVENT_TYPE_UNKNOWN, SCHEMA_VERSION_UNKNOWN, DATA_INVALID, CALL_CHAIN_BROKEN, DOWNCAST_FAILED
 */
export async function accept(
  needs: AcceptNeeds,
  { inputs, tenant, places, turns }: Asked,
  sent: readonly NewEvent[],
  place: Place,
): Promise<readonly NewEvent[]> {
  const { catalog } = needs;
  const refused = await refusals(sent, catalog, places, turns);
  if (refused.size > 0) {
    place.leave();
    // A stored event was judged when it was stored. A refinement that reads the clock, or one that is stricter now, does not change that.
    const mayBeRepeats = [...refused.keys()].every((index) => inputs[index]!.id !== undefined);
    const repeats = mayBeRepeats ? await repeated(needs, tenant, refused, sent) : null;
    const isRepeat = (index: number): boolean => {
      const before = repeats?.get(sent[index]!.id);
      return before?.same === true && before.stream === streamName(tenant, inputs[index]!.entity);
    };
    throwFirst([...refused].filter(([index]) => !isRepeat(index)).map(([, refusal]) => refusal));
  }
  checkCallChains(sent, places);
  const events: NewEvent[] = [];
  for (const [index, event] of sent.entries()) {
    if (turns.due()) await turns.next();
    events.push(refused.has(index) ? catalog.asOnceStored(event) : catalog.toStore(event));
  }
  return events;
}

/** The catalog's refusals, by the event's place. */
async function refusals(events: readonly NewEvent[], catalog: Catalog, places: Places, turns: Turns): Promise<ReadonlyMap<number, RepriseError>> {
  const failures = new Map<number, RepriseError>();
  for (const [index, event] of events.entries()) {
    if (turns.due()) await turns.next();
    const refusal = refusalOf(event, catalog, places, index);
    if (refusal !== null) failures.set(index, refusal);
  }
  return failures;
}

/** The catalog's refusal of one event, of this place in the request; null when it takes it. */
export function refusalOf({ type, schemaVersion, data }: NewEvent, catalog: Catalog, places: Places, index: number): RepriseError | null {
  try {
    catalog.validate(type, schemaVersion, data, "");
    return null;
  } catch (error) {
    if (!isRepriseError(error, "EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID")) throw error;
    // Names of places take longer to make than most data to judge: only where they are told.
    const at = (member: string) => places.event(index, member);
    const member = error.code === "EVENT_TYPE_UNKNOWN" ? "/type" : "/schemaVersion";
    const ofData = () => error.errors.map(({ pointer, detail }) => ({ pointer: at("/data") + pointer, detail }));
    const errors = error.code === "DATA_INVALID" ? ofData() : [{ pointer: at(member), detail: error.message }];
    return new RepriseError(error.code, error.message, { errors });
  }
}

/** All failures are known, so that one answer names everything of the first kind. */
function throwFirst(failures: readonly RepriseError[]): void {
  for (const code of ["EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID"] as const) {
    const same = failures.filter((failure) => failure.code === code);
    if (same.length > 0) throw new RepriseError(code, same[0]!.message, { errors: same.flatMap(({ errors }) => errors) });
  }
}

/** @throws CALL_CHAIN_BROKEN */
export function checkCallChains(events: readonly NewEvent[], places: Places): void {
  if (events.every(({ metadata: { callChain } }) => callChain === undefined)) return;
  const errors = events.flatMap(({ source, metadata: { callChain } }, index) =>
    callChain === undefined || callChain.at(-1) === source
      ? []
      : [{ pointer: places.event(index, "/callChain"), detail: "Its last agent must be the event's source." }],
  );
  if (errors.length > 0) throw new RepriseError("CALL_CHAIN_BROKEN", "A call chain does not end with the event's source.", { errors });
}

/** The stored events with the ids of refused events; null when the log cannot be read. */
async function repeated(
  { log, catalog }: AcceptNeeds,
  tenant: string,
  refused: ReadonlyMap<number, unknown>,
  sent: readonly NewEvent[],
): Promise<ReadonlyMap<string, Known> | null> {
  const events = new Map(Array.from(refused.keys(), (index) => [sent[index]!.id, catalog.asOnceStored(sent[index]!)]));
  return readKnown(log, tenant, [...events.values()]).catch(() => null);
}
