/** A deep copy of JSON-like data that cannot be changed: what a step is given, so that the stored payload stays as it is. */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T;
  // fromEntries defines members, so that a stored key `__proto__` stays a plain member.
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, frozenCopy(member)]))) as T;
}

/** Freezes in place, all the way down. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) freezeDeep(member);
  return Object.freeze(value);
}
