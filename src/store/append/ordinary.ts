/** Judges what most callers of the library append by the same rules as check-input.ts, in a fifth of the time and without that garbage. */
import { isKept, maxJsonDepth } from "../../event/json-data.ts";
import { entityIdPattern, entityTypePattern, eventTypePattern, isTenant } from "../../event/names.ts";
import { callerOf } from "../caller.ts";
import { smallBytes } from "./check-input.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";

/** What may be said of an ordinary event. */
const members: ReadonlySet<string> = new Set(["type", "schemaVersion", "entity", "data"] satisfies (keyof EventInput)[]);

/**
 * Whether it is an event of which nothing is said but its type, version, entity and small data, and check-input.ts would find no fault with it. Of anything
 * else that one has to tell what it is.
 */
export function isOrdinary(input: EventInput, options: AppendOptions): boolean {
  try {
    return isOrdinaryEvent(input) && hasOrdinaryOptions(options) && bytesIn(input.data, 0) <= smallBytes;
  } catch {
    return false; // the other one comes upon it, too
  }
}

function isOrdinaryEvent(input: EventInput): boolean {
  if (typeof input !== "object" || input === null) return false;
  for (const name in input) if (!members.has(name)) return false;
  const { type, schemaVersion, entity, id, source, occurredAt, priority, correlationId, causationId, traceparent, callChain, contextRefs, extensions } = input;
  // By name, because a loop does not see what is hidden from it.
  const saysMore = id ?? source ?? occurredAt ?? priority ?? correlationId ?? causationId ?? traceparent ?? callChain ?? contextRefs ?? extensions;
  if (saysMore !== undefined || typeof type !== "string" || !eventTypePattern.test(type)) return false;
  if (schemaVersion !== undefined && (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1)) return false;
  return isOrdinaryEntity(entity);
}

/** Of an event, as members.ts wants it. */
export function isOrdinaryEntity(entity: unknown): entity is EventInput["entity"] {
  if (typeof entity !== "object" || entity === null) return false;
  for (const name in entity) if (name !== "type" && name !== "id") return false;
  const { type, id } = entity as Readonly<Record<string, unknown>>;
  return typeof type === "string" && typeof id === "string" && entityTypePattern.test(type) && entityIdPattern.test(id);
}

function hasOrdinaryOptions(options: AppendOptions): boolean {
  if (typeof options !== "object" || options === null) return false;
  for (const name in options) if (name !== "tenant") return false;
  const { tenant } = callerOf(options);
  return options.expectedRevision === undefined && options.once === undefined && typeof tenant === "string" && isTenant(tenant);
}

/** The bytes of a JSON value, at least, as `JsonWalk` counts them. @returns NaN for what a log would not keep. It ends soon after `smallBytes`. */
function bytesIn(value: unknown, depth: number): number {
  switch (typeof value) {
    case "string":
      return value.length + 3;
    case "boolean":
      return 2;
    case "number":
      return isKept(value) ? 2 : Number.NaN;
    case "object":
      if (value === null) return 2;
      if (depth >= maxJsonDepth) return Number.NaN;
      return Array.isArray(value) ? bytesInList(value, depth + 1) : bytesInObject(value as Readonly<Record<string, unknown>>, depth + 1);
    default:
      return Number.NaN;
  }
}

function bytesInList(list: readonly unknown[], depth: number): number {
  let bytes = 2;
  for (let index = 0; index < list.length && bytes <= smallBytes; index++) bytes += bytesIn(list[index], depth);
  return bytes;
}

function bytesInObject(object: Readonly<Record<string, unknown>>, depth: number): number {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return Number.NaN;
  let bytes = 2;
  for (const key in object) {
    if (key === "__proto__" || key === "constructor") return Number.NaN;
    bytes += key.length + 3 + bytesIn(object[key], depth);
    if (!(bytes <= smallBytes)) return bytes;
  }
  return bytes;
}
