import { isAscii, isUtf8 } from "node:buffer";
import { below, maxPlaces } from "../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../errors.ts";
import { countMembers, findFaults } from "./json-text.ts";
import { parseInPieces, pieceCharacters } from "./large-json.ts";

/** Brackets inside brackets; deeper documents would overflow the stack of whoever walks them later. */
export const maxDepth = 128;

/**
 * A document, so that what is stored is what was sent: no replaced bytes, no member that another one hides, no rounded number, no key that changes
 * an object's prototype.
 *
 * @throws JSON_MALFORMED, MEMBER_REPEATED, NUMBER_UNSAFE, and REQUEST_INVALID for the keys `__proto__` and `constructor` or more than 128 levels.
 */
export function parseJsonText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the document, which may be a payload: not passed on.
    throw new RepriseError("JSON_MALFORMED", "The JSON is not one complete document.");
  }
  const found: Found = { refused: [], members: 0 };
  inspect(value, [], found);
  const counted = countMembers(text);
  mustBeKept(text, found, counted.unsafe || counted.members !== found.members);
  return value;
}

/** The same of bytes, giving way between its pieces where they are many. */
export async function parseJsonInTurns(bytes: Buffer, pieceLength = pieceCharacters): Promise<unknown> {
  const text = decode(bytes);
  if (text.length <= pieceLength) return parseJsonText(text);
  const found: Found = { refused: [], members: 0 };
  let doubtful = false;
  const value = await parseInPieces(
    text,
    (piece, its, path, offset) => {
      const before = found.members;
      inspectMembers(piece, offset, [...path], found);
      const counted = countMembers(its);
      doubtful ||= counted.unsafe || counted.members !== found.members - before;
    },
    pieceLength,
  );
  if (value === undefined) return parseJsonText(text); // a text, a number, or what is refused
  mustBeKept(text, found, doubtful);
  return value;
}

/** @param doubtful a member came twice, or a number would come out as another. */
function mustBeKept(text: string, { refused }: Found, doubtful: boolean): void {
  if (refused.length > 0) throw new RepriseError("REQUEST_INVALID", "The JSON holds what cannot be stored.", { errors: refused });
  if (!doubtful) return;
  const { repeated, unsafe } = findFaults(text, maxPlaces);
  if (repeated.length > 0)
    throw new RepriseError("MEMBER_REPEATED", "The JSON has members that come more than once: only one of each could be kept.", { errors: repeated });
  throw new RepriseError("NUMBER_UNSAFE", "The JSON holds numbers that would not be kept to the digit.", { errors: unsafe });
}

function decode(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1"); // a quarter of the whole parse faster than by a TextDecoder
  if (!isUtf8(bytes)) throw new RepriseError("JSON_MALFORMED", "The JSON is not valid UTF-8.");
  const text = bytes.toString("utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

interface Found {
  readonly refused: ErrorPlace[];
  /** Of all objects. */
  members: number;
}

/** @param path of `value`, by member and index; as it was when this returns. */
function inspect(value: unknown, path: PropertyKey[], found: Found): void {
  if (typeof value !== "object" || value === null) return;
  if (path.length >= maxDepth) note(found.refused, path, `is nested more than ${maxDepth} levels deep`);
  else inspectMembers(value, 0, path, found);
}

/** @param offset place of the first one in its list, where `value` is a piece. */
function inspectMembers(value: object, offset: number, path: PropertyKey[], found: Found): void {
  if (Array.isArray(value)) for (let index = 0; index < value.length; index++) inspectMember(offset + index, value[index], path, found);
  else
    for (const key in value) {
      found.members++;
      inspectMember(key, (value as Readonly<Record<string, unknown>>)[key], path, found);
    }
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
