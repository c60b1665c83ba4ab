/** What leaves for a user's code can be handed to `JSON.stringify` as it is: positions, which are bigint inside, are strings there, as they are on the wire. */

const descriptor = { value: toJson, enumerable: false, writable: false, configurable: true };

/** Gives an object that holds a position its own `toJSON`, which is not enumerable: a copy by `{ ...event }` has bigint positions and no `toJSON`. */
export function jsonReady<T extends object>(value: T): T {
  return Object.isExtensible(value) ? Object.defineProperty(value, "toJSON", descriptor) : value;
}

function toJson(this: object): object {
  return Object.fromEntries(Object.entries(this).map(([name, value]: [string, unknown]) => [name, typeof value === "bigint" ? String(value) : value]));
}
