/**
 * Freezes JSON-like data in place, all the way down. What is frozen already was frozen so: nothing else freezes data, and retries meet the same event again.
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) for (const member of value) freezeDeep(member);
  else for (const key in value) freezeDeep(value[key]);
  return Object.freeze(value);
}
