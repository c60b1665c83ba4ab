import { isAscii, isUtf8 } from "node:buffer";
import { below } from "../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../errors.ts";

/** Brackets inside brackets; deeper documents would overflow the stack of whoever walks them later. */
export const maxDepth = 128;
const maxPlaces = 100;

/**
 * A request's JSON, so that what is stored is what was sent: no replaced bytes, no rounded integers, no key that changes an object's prototype.
 *
 * @throws JSON_MALFORMED, NUMBER_UNSAFE, and REQUEST_INVALID for the keys `__proto__` and `constructor` or more than 128 levels.
 */
export function parseJson(bytes: Buffer): unknown {
  const text = decode(bytes);
  let value: unknown;
  try {
    value = mayHoldUnsafeNumber.test(text) ? JSON.parse(text, markUnsafe) : JSON.parse(text);
  } catch {
    // The parser's message quotes the document, which may be a payload: not passed on.
    throw new RepriseError("JSON_MALFORMED", "The body is not one complete JSON document.");
  }
  const found: Found = { unsafe: [], refused: [] };
  inspect(value, [], found);
  if (found.refused.length > 0) throw new RepriseError("REQUEST_INVALID", "The body holds what cannot be stored.", { errors: found.refused });
  if (found.unsafe.length > 0) throw new RepriseError("NUMBER_UNSAFE", "The body holds numbers that JavaScript cannot keep exactly.", { errors: found.unsafe });
  return value;
}

function decode(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1"); // a quarter of the whole parse faster than by a TextDecoder
  if (!isUtf8(bytes)) throw new RepriseError("JSON_MALFORMED", "The body is not valid UTF-8.");
  const text = bytes.toString("utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

/**
 * Cheap first look, since a reviver makes JSON.parse five times slower: a number of 16 digits or more, or with an exponent. It may also
 * match inside a string; it never misses a number that matters.
 */
const mayHoldUnsafeNumber = /(?:^|[[:,\s-])\d(?:\d{15}|[\d.]*[eE]\+?\d)/;

class UnsafeNumber {}
const unsafeNumber = new UnsafeNumber();

/** Fractions keep their nearest double, as everywhere in JSON; an integer must be kept to the digit, and `1e400` would become Infinity. */
function markUnsafe(_key: string, value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) ? unsafeNumber : value;
}

interface Found {
  readonly unsafe: ErrorPlace[];
  readonly refused: ErrorPlace[];
}

/** @param path of `value`, by member and index; as it was when this returns. */
function inspect(value: unknown, path: PropertyKey[], found: Found): void {
  if (typeof value !== "object" || value === null) return;
  if (value instanceof UnsafeNumber) note(found.unsafe, path, "is a number beyond ±(2^53−1)");
  else if (path.length >= maxDepth) note(found.refused, path, `is nested more than ${maxDepth} levels deep`);
  else if (Array.isArray(value)) for (let index = 0; index < value.length; index++) inspectMember(index, value[index], path, found);
  else for (const key in value) inspectMember(key, (value as Readonly<Record<string, unknown>>)[key], path, found);
}

function inspectMember(key: PropertyKey, member: unknown, path: PropertyKey[], found: Found): void {
  if (key === "__proto__" || key === "constructor") note(found.refused, [...path, key], `the key ${key} is refused`);
  else if (typeof member === "object" && member !== null) {
    path.push(key);
    inspect(member, path, found);
    path.pop();
  }
}

function note(places: ErrorPlace[], path: readonly PropertyKey[], detail: string): void {
  if (places.length < maxPlaces) places.push({ pointer: below("#", ...path), detail });
}
