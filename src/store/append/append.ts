import type { Catalog } from "../../catalog/catalog.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import { toUtc } from "../../event/clock.ts";
import { type Entity, type EventMetadata, type NewEvent, positionText } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { streamName } from "../../event/names.ts";
import { makeTurns, type Turns } from "../../event/turns.ts";
import { appendTooLarge, encodeAppend } from "../../log/append-rules.ts";
import { type AppendedEvent, type EventLog, type ExpectedRevision, maxAppendBytes } from "../../log/event-log.ts";
import { callerOf } from "../caller.ts";
import { type Known, readKnown, sameContent } from "./append-known.ts";
import { checkAppendShape, makePlaces, type Places } from "./append-shape.ts";
import type { AppendedEvent as Appended, AppendOptions, EventInput } from "./event-input.ts";

export interface Appends {
  /** Appends one event or up to 1000. Everything is checked before anything is stored; entities go one after another. */
  append(events: EventInput | readonly EventInput[], options?: AppendOptions): Promise<readonly Appended[]>;
}

/** What an append needs of the world around it. */
export interface AppenderParts {
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
export function makeAppender({ catalog, log, newId }: AppenderParts): Appends["append"] {
  const queue = makeQueue();
  return async (input, options = {}) => {
    const place = queue();
    try {
      return await append(input, options, place);
    } finally {
      place.leave();
    }
  };

  async function append(input: EventInput | readonly EventInput[], options: AppendOptions, place: Place) {
    const inputs = Array.isArray(input) ? (input as readonly EventInput[]) : [input as EventInput];
    const places = makePlaces(options.pointer, !Array.isArray(input));
    const turns = makeTurns();
    const bytes = await checkAppendShape(inputs, options, places, turns);

    const { tenant } = callerOf(options);
    const { expectedRevision = "any" } = options;
    const sent = inputs.map((one) => complete(one, catalog, newId));
    const refused = await refusals(sent, catalog, places, turns);
    // What was stored once was judged then: a refinement that reads the clock, or one that is stricter now, does not undo it.
    if (refused.size > 0) place.leave(); // reading the log may take long
    const repeats = [...refused.keys()].every((index) => inputs[index]!.id !== undefined) ? await repeated({ log, catalog }, tenant, refused, sent) : null;
    const isRepeat = (event: NewEvent, index: number): boolean => {
      const before = repeats?.get(event.id);
      return before?.same === true && before.stream === streamName(tenant, inputs[index]!.entity);
    };
    throwFirst([...refused].filter(([index]) => !isRepeat(sent[index]!, index)).map(([, refusal]) => refusal));
    checkCallChains(sent, places);
    const events: NewEvent[] = [];
    for (const [index, event] of sent.entries()) {
      if (turns.due()) await turns.next();
      events.push(refused.has(index) ? catalog.asOnceStored(event) : catalog.toStore(event));
    }
    const groups = groupByEntity(inputs, events, tenant, places);
    if (bytes.size > 0) for (const group of groups) mustFit(group, bytes);
    // A single entity's append is measured by the log itself; with several the last must not fail when the first is stored.
    if (groups.length > 1)
      for (const group of groups) {
        if (turns.due()) await turns.next();
        encodeAppend(group.stream, group.events, "any");
      }

    const given = new Set(inputs.flatMap(({ id }) => (id === undefined ? [] : [id.toLowerCase()])));
    const mayBeKnown = given.size === 0 ? [] : groups.flatMap((group) => group.events.filter(({ id }) => given.has(id)));
    if (mayBeKnown.length > 0) place.leave();
    const known = mayBeKnown.length === 0 ? noneKnown : await readKnown(log, tenant, mayBeKnown);
    const waiting = groups.filter((group) => !isKnown(group, known));

    const stored = new Map<string, AppendedEvent>(Array.from(known.values(), ({ appended }) => [appended.id, appended]));
    if (place.before !== null) await place.before;
    for (let from = 0; from < waiting.length; from += groupsAtOnce) {
      const appends: Promise<readonly AppendedEvent[]>[] = [];
      for (const group of waiting.slice(from, from + groupsAtOnce)) {
        if (turns.due()) await turns.next();
        const append = appendGroup(log, group, expectedRevision, events);
        append.catch(() => {}); // looked at when all of them are on their way
        appends.push(append);
      }
      place.leave();
      for (const answer of await Promise.allSettled(appends)) {
        if (answer.status === "rejected") throw answer.reason;
        for (const appended of answer.value) stored.set(appended.id, appended);
      }
    }
    const answered = new Set<string>();
    return events.map(({ id }, index) => {
      const { revision, position, recordedAt, duplicate } = stored.get(id)!;
      const repeated = answered.has(id);
      answered.add(id);
      return { id, entity: inputs[index]!.entity, revision, position: positionText(position), recordedAt, duplicate: duplicate || repeated };
    });
  }
}

/** The place of one append among those that are being checked. */
interface Place {
  /** Settles when the append before this one was handed to the log, or has left the queue; null when there is none. */
  readonly before: Promise<void> | null;
  leave(): void;
}

/**
 * Appends that nobody awaits reach the log in the order of the calls, although a large one gives way while it is checked. An append whose ids have to
 * be looked up leaves its place, so that the others do not wait for a reading of the log.
 */
function makeQueue(): () => Place {
  let last: Promise<void> | null = null;
  return () => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before === null ? promise : promise.then(() => before);
    last = mine;
    void mine.then(() => {
      if (last === mine) last = null;
    });
    return { before, leave: resolve };
  };
}

/** Entities handed to the log at once, in their order: together they share a commit (40,000 events/s of as many entities; one after another 2,500). */
const groupsAtOnce = 64;

const noneKnown: ReadonlyMap<string, Known> = new Map();

/** What is stored under the ids of refused events; null where the log cannot be read. */
async function repeated(
  { log, catalog }: Pick<AppenderParts, "log" | "catalog">,
  tenant: string,
  refused: ReadonlyMap<number, unknown>,
  sent: readonly NewEvent[],
) {
  if (refused.size === 0) return null;
  const events = new Map(Array.from(refused.keys(), (index) => [sent[index]!.id, catalog.asOnceStored(sent[index]!)]));
  return readKnown(log, tenant, [...events.values()]).catch(() => null);
}

/** The events of one entity, each id once. */
interface Group {
  readonly stream: string;
  readonly entity: Entity;
  readonly events: NewEvent[];
}

function complete(input: EventInput, catalog: Catalog, newId: NewId): NewEvent {
  const { correlationId, causationId, traceparent, callChain, priority = "normal", contextRefs, extensions } = input;
  const metadata: EventMetadata = {
    ...(correlationId !== undefined && { correlationId }),
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(callChain !== undefined && { callChain }),
    priority,
    ...(contextRefs !== undefined && { contextRefs }),
    ...(extensions !== undefined && { extensions }),
  };
  return {
    id: input.id?.toLowerCase() ?? newId(), // RFC 9562: upper case is the same UUID
    type: input.type,
    schemaVersion: input.schemaVersion ?? catalog.describe(input.type)?.current ?? 1,
    source: input.source ?? callChain?.at(-1) ?? null,
    occurredAt: input.occurredAt === undefined ? null : toUtc(input.occurredAt),
    data: input.data,
    metadata,
  };
}

/** What the catalog refuses of each event, by its place. */
async function refusals(events: readonly NewEvent[], catalog: Catalog, places: Places, turns: Turns): Promise<ReadonlyMap<number, RepriseError>> {
  const failures = new Map<number, RepriseError>();
  for (const [index, { type, schemaVersion, data }] of events.entries()) {
    if (turns.due()) await turns.next();
    try {
      catalog.validate(type, schemaVersion, data, places.event(index, "/data"));
    } catch (error) {
      if (!isRepriseError(error, "EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID")) throw error;
      const member = error.code === "EVENT_TYPE_UNKNOWN" ? "/type" : "/schemaVersion";
      const errors = error.code === "DATA_INVALID" ? error.errors : [{ pointer: places.event(index, member), detail: error.message }];
      failures.set(index, new RepriseError(error.code, error.message, { errors }));
    }
  }
  return failures;
}

/** All failures are known, so that one answer names everything of the first kind. */
function throwFirst(failures: readonly RepriseError[]): void {
  for (const code of ["EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "DATA_INVALID"] as const) {
    const same = failures.filter((failure) => failure.code === code);
    if (same.length > 0) throw new RepriseError(code, same[0]!.message, { errors: same.flatMap(({ errors }) => errors) });
  }
}

function checkCallChains(events: readonly NewEvent[], places: Places): void {
  const errors = events.flatMap(({ source, metadata: { callChain } }, index) =>
    callChain === undefined || callChain.at(-1) === source
      ? []
      : [{ pointer: places.event(index, "/callChain"), detail: "Its last agent must be the event's source." }],
  );
  if (errors.length > 0) throw new RepriseError("CALL_CHAIN_BROKEN", "A call chain does not end with the event's source.", { errors });
}

/** @throws EVENT_ID_REUSED for an id that is there twice with different content; with the same content it is one event. */
function groupByEntity(inputs: readonly EventInput[], events: readonly NewEvent[], tenant: string, places: Places): readonly Group[] {
  const groups = new Map<string, Group>();
  const firsts = new Map<string, { readonly event: NewEvent; readonly stream: string }>();
  for (const [index, event] of events.entries()) {
    const { entity } = inputs[index]!;
    const stream = streamName(tenant, entity);
    const first = firsts.get(event.id);
    if (first !== undefined) {
      if (first.stream === stream && sameContent(first.event, event)) continue;
      const errors = [{ pointer: places.event(index, "/id"), detail: "Names another event of this request already." }];
      throw new RepriseError("EVENT_ID_REUSED", `Event id ${event.id} names two different events of the request.`, { errors });
    }
    firsts.set(event.id, { event, stream });
    const group = groups.get(stream);
    if (group === undefined) groups.set(stream, { stream, entity, events: [event] });
    else group.events.push(event);
  }
  return [...groups.values()];
}

/** @throws APPEND_TOO_LARGE for what is seen to be too large before it is encoded, which may take as long as a request may hold the thread. */
function mustFit({ stream, events }: Group, bytesOf: ReadonlyMap<unknown, number>): void {
  const bytes = events.reduce((sum, { data }) => sum + (bytesOf.get(data) ?? 0), 0);
  if (bytes > maxAppendBytes) throw appendTooLarge(stream, bytes);
}

/**
 * True when the log holds all events of the group.
 *
 * @throws EVENT_ID_REUSED when it holds some of them, or one of the ids with other content.
 */
function isKnown({ stream, entity, events }: Group, known: ReadonlyMap<string, Known>): boolean {
  let count = 0;
  for (const event of events) {
    const before = known.get(event.id);
    if (before === undefined) continue;
    if (before.stream !== stream || !before.same) throw new RepriseError("EVENT_ID_REUSED", `Event id ${event.id} is stored already, with other content.`);
    count++;
  }
  if (count > 0 && count < events.length)
    throw new RepriseError(
      "EVENT_ID_REUSED",
      `Of the ${events.length} events of ${entity.type} "${entity.id}", ${count} are stored already and the others are not.`,
    );
  return count > 0;
}

async function appendGroup(log: AppenderParts["log"], group: Group, expected: ExpectedRevision, all: readonly NewEvent[]): Promise<readonly AppendedEvent[]> {
  try {
    return await log.append(group.stream, group.events, expected);
  } catch (error) {
    if (!isLogTrouble(error)) throw error;
    throw new RepriseError(error.code, error.message, {
      cause: error,
      fields: { ...error.fields, eventIds: all.map(({ id }) => id) },
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    });
  }
}
