import type { Catalog } from "../../catalog/catalog.ts";
import type { EventDefinition, GivenData } from "../../catalog/define.ts";
import type { AppendedEvent } from "../../event/appended-event.ts";
import { type Entity, positionText } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { makeTurns } from "../../event/turns.ts";
import type { EventLog, AppendedEvent as LogsAppendedEvent } from "../../log/event-log.ts";
import { callerOf } from "../caller.ts";
import { type Asked, accept } from "./accept.ts";
import { type Known, readKnown } from "./append-known.ts";
import { appendOne } from "./append-one.ts";
import { makeQueues, type Place } from "./append-queue.ts";
import { checkInput, checkJudged } from "./check-input.ts";
import { complete } from "./complete.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";
import { type Group, groupByEntity, isKnown, mustFit, storeGroups } from "./groups.ts";
import { isJudged } from "./judged.ts";
import { isOrdinary } from "./ordinary.ts";
import { makePlaces } from "./places.ts";
import type { TypedAppendOptions } from "./typed.ts";

export type AppendInputs = (events: EventInput | readonly EventInput[], options?: AppendOptions) => Promise<readonly AppendedEvent[]>;

/** Each form answers with a list, an entry for each event. */
export interface Append {
  /**
   * Appends one event, its data checked by the compiler: a field that is misspelt, missing or not of the type does not compile. For several, `event` makes
   * each of a list.
   *
   * @param data of the current version; an `interface` is taken.
   */
  <E extends EventDefinition>(event: E, entity: Entity, data: NoInfer<GivenData<E>>, options?: TypedAppendOptions): Promise<readonly [AppendedEvent]>;
  /** Appends one event or up to 1000. Everything is checked before anything is stored; entities go one after another. */
  (events: EventInput | readonly EventInput[], options?: AppendOptions): Promise<readonly AppendedEvent[]>;
}

export interface Appends {
  readonly append: Append;
}

/** What an append needs of the world around it. */
export interface AppenderNeeds {
  readonly catalog: Catalog;
  readonly log: Pick<EventLog, "append" | "findByIds">;
  readonly newId: NewId;
}

/**
 * Makes `append`: fills in what the caller left out, checks everything, then stores entity by entity, in the order in which they first
 * appear. Data is stored as it was given, unless its type says `downcast`; it must not change until the promise has settled.
 *
 * In this order it throws REQUEST_INVALID, NUMBER_UNSAFE, EVENT_TYPE_UNKNOWN, SCHEMA_VERSION_UNKNOWN, DATA_INVALID, CALL_CHAIN_BROKEN, DOWNCAST_FAILED,
 * EVENT_ID_REUSED, APPEND_TOO_LARGE with nothing stored, then what the log throws. LOG_UNAVAILABLE and LOG_FULL carry `eventIds`: the ids of all
 * events of the request, in order. With them the request can be repeated, wherever it stopped: an entity that is stored already answers with duplicates.
 */
export function makeAppender(needs: AppenderNeeds): AppendInputs {
  const { catalog, log, newId } = needs;
  const placeOf = makeQueues();
  return (input, options = {}) => {
    const { tenant } = callerOf(options);
    if (isPlain(input, options)) return appendPlain(input, options, tenant);
    const place = placeOf(tenant);
    return append(input, options, place).finally(() => place.leave());
  };

  /** Most appends are such, so it makes no promise of its own. */
  function appendPlain(input: EventInput, options: AppendOptions, tenant: string): Promise<readonly AppendedEvent[]> {
    const place = placeOf(tenant, true);
    try {
      return appendOne(needs, input, { tenant, expected: options.expectedRevision ?? "any", places: makePlaces(options, true), place });
    } catch (error) {
      place.leave();
      return Promise.reject(error);
    }
  }

  async function append(input: EventInput | readonly EventInput[], options: AppendOptions, place: Place): Promise<readonly AppendedEvent[]> {
    const isSingle = !Array.isArray(input);
    const inputs = isSingle ? [input as EventInput] : (input as readonly EventInput[]);
    const { once } = options;
    const places = makePlaces(options, isSingle);
    const turns = makeTurns();
    const bytesOf = isJudged(options) ? checkJudged(inputs, options, places) : await checkInput(inputs, options, places, turns);

    const { tenant } = callerOf(options);
    const expected = options.expectedRevision ?? "any";
    if (inputs.length === 1 && inputs[0]!.id === undefined && once === undefined && bytesOf.size === 0)
      return appendOne(needs, inputs[0]!, { tenant, expected, places, place });
    const asked: Asked = { inputs, tenant, places, turns };
    const sent = inputs.map((one, index) => complete(one, catalog, once === undefined ? newId : () => once.eventId(index)));
    const events = await accept(needs, asked, sent, place);
    const groups = groupByEntity(asked, events);
    await mustFit(groups, bytesOf, turns);
    const known = await knownOf(asked, groups, once !== undefined, place);
    const stored = new Map<string, LogsAppendedEvent>(Array.from(known.values(), ({ appended }) => [appended.id, appended]));
    const waiting = groups.filter((group) => !isKnown(group, known));
    const storing = { groups: waiting, expected, all: events, turns, place } as const;
    for (const appended of await storeGroups(log, storing)) stored.set(appended.id, appended);

    const answered = new Set<string>();
    return events.map(({ id }, index) => {
      const { revision, position, recordedAt, duplicate } = stored.get(id)!;
      const isAgain = answered.has(id);
      answered.add(id);
      // An earlier try of this very request has stored it, and nobody has been told.
      const isOwn = once?.isAgain === true && inputs[index]!.id === undefined;
      return { id, entity: inputs[index]!.entity, revision, position: positionText(position), recordedAt, duplicate: (duplicate && !isOwn) || isAgain };
    });
  }

  /**
   * The stored events among these. Only ids that the caller gave can be stored, or all where the request may have come before. The look-up may take long, so the
   * append leaves its place.
   */
  async function knownOf({ inputs, tenant }: Asked, groups: readonly Group[], isRepeatable: boolean, place: Place): Promise<ReadonlyMap<string, Known>> {
    const given = new Set(inputs.flatMap(({ id }) => (id === undefined ? [] : [id.toLowerCase()])));
    if (given.size === 0 && !isRepeatable) return noneKnown;
    place.leave();
    return readKnown(
      log,
      tenant,
      groups.flatMap((group) => group.events.filter(({ id }) => isRepeatable || given.has(id))),
    );
  }
}

/** One event that was checked, here or by the edge, and to which nobody gave an id. */
function isPlain(input: EventInput | readonly EventInput[], options: AppendOptions): input is EventInput {
  if (Array.isArray(input)) return false;
  return isJudged(options) ? (input as EventInput).id === undefined && options.once === undefined : isOrdinary(input as EventInput, options);
}

const noneKnown: ReadonlyMap<string, Known> = new Map();
