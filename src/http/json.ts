import { isAscii, isUtf8 } from "node:buffer";
import { below, maxPlaces } from "../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../errors.ts";
import { makeTurns, type Turns } from "../event/turns.ts";
import { countMembers, FaultSearch, findFaults } from "./json-text.ts";
import { lookCharacters, maxDepth, maxMembers, parseInPieces, pieceCharacters } from "./large-json.ts";

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
  } catch (error) {
    throw malformed(error);
  }
  const found: Found = { refused: [], members: 0 };
  inspect(value, [], found);
  const counted = countMembers(text);
  mustBeStorable(found);
  if (counted.unsafe || counted.members !== found.members) throw notKept(findFaults(text, maxPlaces));
  return value;
}

/** The same of bytes, giving way between its pieces where they are many. */
export async function parseJsonInTurns(bytes: Buffer, pieceLength = pieceCharacters): Promise<unknown> {
  const turns = makeTurns();
  const text = decode(bytes);
  if (text.length <= pieceLength || !/^[ \t\n\r]*[[{]/.test(text)) return parseJsonText(text);
  const found: Found = { refused: [], members: 0 };
  let doubtful = false;
  const reading = {
    take(piece: object, its: string, path: readonly PropertyKey[], offset: number) {
      const before = found.members;
      inspectMembers(piece, offset, [...path], found);
      const counted = countMembers(its);
      doubtful ||= counted.unsafe || counted.members !== found.members - before;
    },
    tooDeep: (path: readonly PropertyKey[]) => note(found.refused, path, deep),
    tooMany: (path: readonly PropertyKey[]) => note(found.refused, path, `has more than ${maxMembers} members`),
    twice: () => void (doubtful = true),
  };
  const value = await parseInPieces(text, reading, turns, pieceLength).catch((error: unknown) => Promise.reject(malformed(error)));
  mustBeStorable(found);
  if (doubtful) throw notKept(await findFaultsInTurns(text, turns));
  return value;
}

/** The parser's message quotes the document, which may be a payload: not passed on. */
function malformed(error: unknown): unknown {
  return error instanceof SyntaxError ? new RepriseError("JSON_MALFORMED", "The JSON is not one complete document.") : error;
}

function mustBeStorable({ refused }: Found): void {
  if (refused.length > 0) throw new RepriseError("REQUEST_INVALID", "The JSON holds what cannot be stored.", { errors: refused });
}

/** For a document in which a member comes twice, or a number would come out as another. */
function notKept({ repeated, unsafe }: Pick<FaultSearch, "repeated" | "unsafe">): RepriseError {
  return repeated.length > 0
    ? new RepriseError("MEMBER_REPEATED", "The JSON has members that come more than once: only one of each could be kept.", { errors: repeated })
    : new RepriseError("NUMBER_UNSAFE", "The JSON holds numbers that would not be kept to the digit.", { errors: unsafe });
}

async function findFaultsInTurns(text: string, turns: Turns): Promise<FaultSearch> {
  const search = new FaultSearch(text, maxPlaces);
  for (let until = lookCharacters; !search.look(until); until += lookCharacters) if (turns.due()) await turns.next();
  return search;
}

function decode(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1"); // a quarter of the whole parse faster than by a TextDecoder
  if (!isUtf8(bytes)) throw new RepriseError("JSON_MALFORMED", "The JSON is not valid UTF-8.");
  const text = bytes.toString("utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

const deep = `is nested more than ${maxDepth} levels deep`;

interface Found {
  readonly refused: ErrorPlace[];
  /** Of all objects. */
  members: number;
}

/** @param path of `value`, by member and index; as it was when this returns. */
function inspect(value: unknown, path: PropertyKey[], found: Found): void {
  if (typeof value !== "object" || value === null) return;
  if (path.length >= maxDepth) note(found.refused, path, deep);
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
