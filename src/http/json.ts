import { isAscii, isUtf8 } from "node:buffer";
import { below, maxPlaces } from "../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../errors.ts";
import { type JsonFault, JsonWalk, membersIn, tooDeep } from "../event/json-data.ts";
import { makeTurns, type Turns } from "../event/turns.ts";
import { hasCompactData } from "./compact-data.ts";
import { countMembers, FaultSearch, findFaults } from "./json-text.ts";
import { lookCharacters, maxMembers, parseInPieces, pieceCharacters } from "./large-json.ts";

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
  if (hasCompactData(text, value)) return value;
  const counted = countMembers(text);
  if (!counted.unsafe && counted.members === membersIn(value)) return value;
  const refused = new Refused();
  const walk = new JsonWalk(value, refused.note);
  walk.look(Number.POSITIVE_INFINITY);
  refused.throwAny();
  if (counted.unsafe || counted.members !== walk.members) throw notKept(findFaults(text, maxPlaces));
  return value;
}

/** The same of bytes. @returns a promise where they are many. */
export function parseJson(bytes: Buffer): unknown {
  return bytes.length <= pieceCharacters ? parseJsonText(decode(bytes)) : parseJsonInTurns(bytes);
}

/** The same, giving way between its pieces. */
export async function parseJsonInTurns(bytes: Buffer, pieceLength = pieceCharacters): Promise<unknown> {
  const turns = makeTurns();
  const text = decode(bytes);
  if (text.length <= pieceLength || !/^[ \t\n\r]*[[{]/.test(text)) return parseJsonText(text);
  const refused = new Refused();
  let doubtful = false;
  const reading = {
    take(piece: object, its: string, path: readonly PropertyKey[], offset: number) {
      const walk = new JsonWalk(piece, refused.note, { path, firstIndex: offset });
      walk.look(Number.POSITIVE_INFINITY);
      const counted = countMembers(its);
      doubtful ||= counted.unsafe || counted.members !== walk.members;
    },
    tooDeep: (path: readonly PropertyKey[]) => refused.note({ path, detail: tooDeep, isNumber: false }),
    tooMany: (path: readonly PropertyKey[]) => refused.note({ path, detail: `has more than ${maxMembers} members`, isNumber: false }),
    twice: () => void (doubtful = true),
  };
  const value = await parseInPieces(text, reading, turns, pieceLength).catch((error: unknown) => Promise.reject(malformed(error)));
  refused.throwAny();
  if (doubtful) throw notKept(await findFaultsInTurns(text, turns));
  return value;
}

/** The parser's message quotes the document, which may be a payload, so it is not passed on. */
function malformed(error: unknown): unknown {
  return error instanceof SyntaxError ? new RepriseError("JSON_MALFORMED", "The JSON is not one complete document.") : error;
}

/** The parts of a document that cannot be stored, with their places. */
class Refused {
  readonly #places: ErrorPlace[] = [];

  /** Numbers are judged by their text, because a parsed number no longer shows the digits that were sent. */
  readonly note = ({ path, detail, isNumber }: JsonFault): void => {
    if (!isNumber && this.#places.length < maxPlaces) this.#places.push({ pointer: below("#", ...path), detail });
  };

  throwAny(): void {
    if (this.#places.length > 0) throw new RepriseError("REQUEST_INVALID", "The JSON holds what cannot be stored.", { errors: this.#places });
  }
}

/** Refuses a document with a repeated member, or with a number that would be changed. */
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
