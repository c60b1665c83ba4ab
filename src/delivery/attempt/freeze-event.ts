import type { CurrentEvent } from "../../event/event.ts";

/** Data that nests deeper is frozen without recursion: JSON nests as deep as it likes, and an upcaster may have made a ring. */
const maxDepth = 64;

/** The metadata frozen last: events of the embedded log often share theirs with the event before. */
let frozenLast: unknown = null;

/** Freezes an event in place, all the way down. It also looks into what is frozen already, because a step may have frozen only the top of its result. */
export function freezeEvent(event: CurrentEvent): void {
  const { entity, metadata, origin, data } = event;
  Object.freeze(event);
  Object.freeze(entity);
  if (origin !== null) Object.freeze(origin);
  if (metadata !== frozenLast) freezeDown(metadata, 0);
  frozenLast = metadata;
  if (isObject(data)) freezeDown(data, 0);
}

function freezeDown(value: object, depth: number): void {
  if (depth === maxDepth) {
    freezeFlat(value);
    return;
  }
  if (Array.isArray(value))
    for (let index = 0; index < value.length; index++) {
      const inner: unknown = value[index];
      if (isObject(inner)) freezeDown(inner, depth + 1);
    }
  else
    for (const name in value) {
      const inner = (value as Readonly<Record<string, unknown>>)[name];
      if (isObject(inner)) freezeDown(inner, depth + 1);
    }
  Object.freeze(value);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function freezeFlat(value: object): void {
  const left = [value];
  const known = new Set(left);
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    Object.freeze(part);
    for (const inner of Object.values(part) as readonly unknown[])
      if (isObject(inner) && !known.has(inner)) {
        known.add(inner);
        left.push(inner);
      }
  }
}
