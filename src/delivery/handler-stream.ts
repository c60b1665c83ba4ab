/** What the log knows of a handler apart from its deliveries: which types it wants since when, and whether it is paused. */
import { isDeepStrictEqual } from "node:util";
import type { Catalog } from "../catalog/catalog.ts";
import { RepriseError } from "../errors.ts";
import type { Position, StoredEvent } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { handlerStream, isEntityStream, journalStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { HandlerSpec } from "./handler-spec.ts";
import type { Act, HandlerStreamData } from "./journal-events.ts";
import { ownEvent } from "./journal-stream.ts";

export interface HandlerRecord {
  readonly configured: HandlerStreamData["handler.configured"];
  readonly paused: boolean;
}

/**
 * Compares the handler's definition with what the log has on record, and records what changed. A type added to a known handler is wanted from now on;
 * one that is listed no more is wanted no more.
 *
 * @throws START_FROM_REQUIRED for a new handler on a log that holds events.
 */
export async function configureHandler({
  log,
  newId,
  catalog,
  spec,
}: {
  readonly log: EventLog;
  readonly newId: NewId;
  readonly catalog: Catalog;
  readonly spec: HandlerSpec;
}): Promise<HandlerRecord> {
  const before = await readHandler(log, spec.name);
  const head = await log.head();
  const start = before.configured?.start ?? spec.startFrom ?? "beginning";
  if (before.configured === null && spec.startFrom === null && (await holdsEvents(log, catalog)))
    throw new RepriseError("START_FROM_REQUIRED", `handlers: "${spec.name}" is new, and the log already holds events.`);
  const sinceOf = (type: string): string => before.configured?.types[type] ?? (before.configured !== null || start === "now" ? head.toString() : "0");
  const configured: HandlerStreamData["handler.configured"] = {
    types: Object.fromEntries(spec.types.map((type) => [type, sinceOf(type)])),
    ordering: spec.ordering,
    start,
    partitions: 1,
    journal: before.configured?.journal ?? journalStream(spec.name),
    endpoint: spec.endpoint,
  };
  const facts = [];
  if (!isDeepStrictEqual(configured, before.configured)) facts.push(ownEvent(newId, "handler.configured", configured));
  // Another address is a decision of its own: what the old one answered (410) says nothing about it.
  const moved = before.paused === "policy" && before.configured?.endpoint !== configured.endpoint;
  if (moved) facts.push(ownEvent(newId, "handler.resumed", { act: { actor: "local", reason: "the config has another url" } satisfies Act }));
  if (facts.length > 0) await log.append(handlerStream(spec.name), facts, before.revision === -1 ? "none" : before.revision);
  return { configured, paused: before.paused !== null && !moved };
}

/** Records that a handler stops (or goes on). */
export async function recordPause(log: EventLog, newId: NewId, handler: string, paused: { readonly why: string } | null, act: Act): Promise<Position> {
  const event = paused === null ? ownEvent(newId, "handler.resumed", { act }) : ownEvent(newId, "handler.paused", { why: paused.why, act });
  const [appended] = await log.append(handlerStream(handler), [event], "any");
  return appended!.position;
}

async function readHandler(
  log: EventLog,
  handler: string,
): Promise<{ configured: HandlerStreamData["handler.configured"] | null /** By whom. */; paused: string | null; revision: number }> {
  let configured: HandlerStreamData["handler.configured"] | null = null;
  let paused: string | null = null;
  let revision = -1;
  for await (const batch of log.readStream(handlerStream(handler)))
    for (const event of batch) {
      revision = event.revision;
      if (event.type === "handler.configured") configured = event.data as unknown as HandlerStreamData["handler.configured"];
      else if (event.type === "handler.paused") paused = (event.data as unknown as HandlerStreamData["handler.paused"]).act.actor;
      else if (event.type === "handler.resumed") paused = null;
    }
  return { configured, paused, revision };
}

async function holdsEvents(log: EventLog, catalog: Catalog): Promise<boolean> {
  for await (const batch of log.readAll({ filter: { types: catalog.candidates(catalog.types) } }))
    if (batch.some(({ stream }) => isEntityStream(stream))) return true;
  return false;
}

/** Whether a handler wants a stored event: of an entity, its type listed, and beyond the position from which the type is wanted. */
export function makeWants(catalog: Catalog, configured: HandlerStreamData["handler.configured"]): (event: StoredEvent) => boolean {
  const since = new Map<string, Position>();
  for (const [type, position] of Object.entries(configured.types)) for (const stored of catalog.candidates([type])) since.set(stored, BigInt(position));
  return (event) => {
    const from = since.get(event.type);
    return from !== undefined && event.position > from && isEntityStream(event.stream);
  };
}

/** Where a journal that is still empty begins: before the first event that any type is wanted from. */
export function firstPosition(configured: HandlerStreamData["handler.configured"]): Position {
  return Object.values(configured.types)
    .map(BigInt)
    .reduce((least, position) => (position < least ? position : least));
}
