/** Deeper values are frozen without recursion, because JSON may nest to any depth. */
const maxDepth = 64;

/**
 * Freezes JSON-like data in place, all the way down. A value that is frozen is left alone, because nothing else freezes data: a retry meets the same event
 * again.
 */
export function freezeDeep<T>(value: T, depth = 0): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (depth === maxDepth) freezeFlat(value);
  else if (Array.isArray(value)) for (const member of value) freezeDeep(member, depth + 1);
  else for (const key in value) freezeDeep(value[key], depth + 1);
  return Object.freeze(value);
}

function freezeFlat(value: object): void {
  const left = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop())
    for (const inner of Object.values(Object.freeze(next))) if (typeof inner === "object" && inner !== null && !Object.isFrozen(inner)) left.push(inner);
}
