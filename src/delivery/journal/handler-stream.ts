/** What the log knows of a handler apart from its deliveries: which types it wants since when, and whether it is paused. */
import { isDeepStrictEqual } from "node:util";
import type { Catalog } from "../../catalog/catalog.ts";
import { RepriseError } from "../../errors.ts";
import type { NewEvent, Position } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { handlerStream, isEntityStream, journalBeside, journalStream, localActor, partitionOfJournal, policyActor } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Act } from "../../records/act.ts";
import type { HandlerStreamData } from "../../records/handler.ts";
import { ownEvent } from "../../records/own-event.ts";
import { readRestored } from "../../records/restored.ts";
import { shownUrl } from "../attempt/secrets.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { findForeign } from "./foreign-events.ts";
import type { Skip } from "./journal-read.ts";
import { least, newNamesIn, sinceByStoredType } from "./wanted.ts";

/** An act that divides the handler's lanes anew, from its record until it has ended. */
export interface Repartitioning extends Omit<HandlerStreamData["handler.repartitioning"], "act"> {
  /** Of its record. */
  readonly id: string;
  readonly recordedAt: string;
}

export interface HandlerRecord {
  readonly configured: HandlerStreamData["handler.configured"];
  readonly paused: boolean;
  /** Of one of its partitions: the stream, and the revisions there that operators had skipped. */
  journal(partition: number): { readonly stream: string; readonly skips: readonly Skip[] };
  /** Its lanes are being divided anew. Null: they are not. */
  readonly repartitioning: Repartitioning | null;
  /** New names of types that the handler has wanted before. Builds that did not know these names may have passed over such events. */
  readonly newNames: readonly string[];
  /** Where the handler was retired, when it comes back after that: it is not given events from before. Null otherwise. */
  readonly retiredAt: Position | null;
  /** The last retirement, and the position of its record: a journal that ends before it has not gone on since. */
  readonly retirement: { readonly at: Position; readonly recorded: Position } | null;
  /** Stores what changed. To be called once, when everything that follows from the change is recorded. */
  record(): Promise<void>;
}

/**
 * Compares the handler's definition with what the log has on record. A type added to a known handler is wanted from now on;
 * a type that is no longer listed is no longer wanted. A type that got another name, or was split into others, stays wanted from where it was.
 *
 * @throws START_FROM_REQUIRED for a new handler on a log that holds events.
 */
export async function configureHandler({
  log,
  newId,
  catalog,
  spec,
  newPartitions = 1,
}: {
  readonly log: EventLog;
  readonly newId: NewId;
  readonly catalog: Catalog;
  readonly spec: HandlerSpec;
  /** How many a new handler gets whose config says nothing. */
  readonly newPartitions?: number;
}): Promise<HandlerRecord> {
  const [head, before] = await Promise.all([log.head(), readHandler(log, spec.name)]);
  const start = before.configured?.start ?? spec.startFrom ?? "beginning";
  if (before.configured === null && spec.startFrom === null && (await holdsEvents(log, catalog)))
    throw new RepriseError("START_FROM_REQUIRED", `handlers: "${spec.name}" is new, and the log already holds events.`);
  const sinceNew = before.configured !== null || start === "now" ? head : later(before.retiredAt ?? 0n, await restoredThrough(log, head));
  const stored = sinceByStoredType(catalog, spec.types, before.configured, sinceNew);
  // Its journals are as they are, whatever the config says, until an operator divides them anew.
  const partitions = before.journal === null ? (spec.partitions ?? newPartitions) : partitionOfJournal(before.journal).of;
  const configured: HandlerStreamData["handler.configured"] = {
    types: Object.fromEntries(spec.types.map((type) => [type, least(catalog.candidates([type]).map((name) => stored.get(name)!)).toString()])),
    stored: Object.fromEntries(Array.from(stored, ([type, since]) => [type, since.toString()])),
    ordering: spec.ordering,
    start,
    partitions,
    journal: before.journal ?? journalStream(spec.name, partitions, 0),
    endpoint: spec.endpoint,
  };
  const facts: NewEvent[] = [];
  if (!isDeepStrictEqual(configured, before.configured)) facts.push(ownEvent(newId, "handler.configured", configured));
  // A new address ends the pause: the answer 410 was about the old address.
  const moved = before.paused === policyActor && shownBefore(before.configured?.endpoint) !== configured.endpoint;
  if (moved) facts.push(ownEvent(newId, "handler.resumed", { act: { actor: localActor, reason: "the config has another url" } satisfies Act }));
  return {
    configured,
    paused: before.paused !== null && !moved,
    retiredAt: before.configured === null ? before.retiredAt : null,
    retirement: before.retirement,
    repartitioning: before.repartitioning,
    journal(partition) {
      const stream = journalBeside(configured.journal, partitions, partition);
      return { stream, skips: before.skips.get(stream) ?? [] };
    },
    newNames: newNamesIn(stored, before.configured, sinceNew),
    async record() {
      if (facts.length > 0) await log.append(handlerStream(spec.name), facts, before.revision === -1 ? "none" : before.revision);
    },
  };
}

/** Events that were brought back from an archive are history: no new handler is given them, unless a replay of history does. */
async function restoredThrough(log: EventLog, head: Position): Promise<Position> {
  const restored = await readRestored(log);
  return restored?.how === "in_place" ? (restored.through ?? head) : 0n;
}

const later = (a: Position, b: Position): Position => (a > b ? a : b);

/** Older builds stored the whole address. */
function shownBefore(endpoint: string | null | undefined): string | null | undefined {
  return typeof endpoint === "string" && !endpoint.includes("#") ? shownUrl(endpoint) : endpoint;
}

/** The record that a handler is paused, or goes on. */
export function pauseRecord(newId: NewId, handler: string, paused: { readonly why: string } | null, act: Act) {
  const event = paused === null ? ownEvent(newId, "handler.resumed", { act }) : ownEvent(newId, "handler.paused", { why: paused.why, act });
  return { stream: handlerStream(handler), events: [event], expected: "any" as const };
}

/** The record that a handler is gone for good. It expects the stream's last revision, so that a handler that has come back meanwhile is not retired. */
export async function retirementOf(log: EventLog, newId: NewId, handler: string, data: HandlerStreamData["handler.retired"]) {
  const { revision } = await readHandler(log, handler);
  return { stream: handlerStream(handler), events: [ownEvent(newId, "handler.retired", data)], expected: revision };
}

/** The record of a repair, and how many events it skips. @throws NOTHING_TO_REPAIR, JOURNAL_DAMAGED when skipping cannot help. */
export async function repairOf(log: EventLog, newId: NewId, { handler, partition }: { readonly handler: string; readonly partition: number }, act: Act) {
  const { journal: first, skips } = await readHandler(log, handler);
  const journal = first === null ? journalStream(handler) : journalBeside(first, partitionOfJournal(first).of, partition);
  const skipped = await findForeign(log, journal, skips.get(journal) ?? []);
  if (skipped.length === 0) throw new RepriseError("NOTHING_TO_REPAIR", `${journal} has no event that is not its own.`);
  const event = ownEvent(newId, "handler.repaired", { journal, skipped, act } satisfies HandlerStreamData["handler.repaired"]);
  const record = { stream: handlerStream(handler), events: [event], expected: "any" as const };
  return { record, skipped: countSkipped(skipped) };
}

export function countSkipped(skipped: HandlerStreamData["handler.repaired"]["skipped"]): number {
  return skipped.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

export interface StoredHandler {
  readonly configured: HandlerStreamData["handler.configured"] | null;
  /** Who paused it; null when it is not paused. */
  readonly paused: string | null;
  readonly journal: string | null;
  readonly retiredAt: Position | null;
  readonly retirement: HandlerRecord["retirement"];
  readonly repartitioning: Repartitioning | null;
  /** The key is the name of the journal. */
  readonly skips: ReadonlyMap<string, readonly Skip[]>;
  readonly revision: number;
}

export async function readHandler(log: EventLog, handler: string): Promise<StoredHandler> {
  let configured: HandlerStreamData["handler.configured"] | null = null;
  let paused: string | null = null;
  let journal: string | null = null;
  let retirement: HandlerRecord["retirement"] = null;
  let repartitioning: Repartitioning | null = null;
  const skips = new Map<string, Skip[]>();
  let revision = -1;
  for await (const batch of log.readStream(handlerStream(handler)))
    for (const event of batch) {
      revision = event.revision;
      if (event.type === "handler.configured") {
        configured = event.data as unknown as HandlerStreamData["handler.configured"];
        ({ journal } = configured);
        if (repartitioning?.partitions === partitionOfJournal(journal).of) repartitioning = null;
      } else if (event.type === "handler.repartitioning") {
        const { id, recordedAt } = event;
        const { act: _, ...begun } = event.data as unknown as HandlerStreamData["handler.repartitioning"];
        repartitioning = { ...begun, id, recordedAt };
      } else if (event.type === "handler.repartition_withdrawn") repartitioning = null;
      else if (event.type === "handler.retired") {
        configured = null;
        paused = null;
        retirement = { at: BigInt((event.data as unknown as HandlerStreamData["handler.retired"]).at), recorded: event.position };
      } else if (event.type === "handler.paused") paused = (event.data as unknown as HandlerStreamData["handler.paused"]).act.actor;
      else if (event.type === "handler.resumed") paused = null;
      else if (event.type === "handler.repaired") {
        const repaired = event.data as unknown as HandlerStreamData["handler.repaired"];
        skips.set(repaired.journal, [...(skips.get(repaired.journal) ?? []), ...repaired.skipped]);
      }
    }
  return { configured, paused, journal, retiredAt: retirement?.at ?? null, retirement, repartitioning, skips, revision };
}

async function holdsEvents(log: EventLog, catalog: Catalog): Promise<boolean> {
  for await (const batch of log.readAll({ filter: { types: catalog.candidates(catalog.types) } }))
    if (batch.some(({ stream }) => isEntityStream(stream))) return true;
  return false;
}
