/**
 * Reads JSON of megabytes piece by piece, because `JSON.parse` of 4 MiB of short lists holds the thread for 100 ms, and the checks of the result for as long
 * again. Pieces are cut at commas, so that a document is valid when each of its pieces is.
 */
import { maxJsonDepth } from "../event/json-data.ts";
import type { Turns } from "../event/turns.ts";
import { endOfString } from "./json-text.ts";

/** About the characters of a piece; a longer document is cut. Parsing and checking one takes 5 ms. */
export const pieceCharacters = 128 * 1024;
/** The most members of one object. An append has no room for more, and listing the names of 400,000 members takes 100 ms. */
export const maxMembers = 100_000;

/** A list or an object that is longer than a piece, by its brackets, and those right inside it. */
interface Long {
  readonly start: number;
  readonly end: number;
  readonly inside: readonly Long[];
}

/** Asked in order, while the document is read. */
export interface Reading {
  /** For each piece. */
  readonly take: TakePiece;
  /** A list or object at this place is nested too deep: it is left out, unread. */
  readonly tooDeep: (path: readonly PropertyKey[]) => void;
  /** An object at this place has more than `maxMembers`, and is read no further. */
  readonly tooMany: (path: readonly PropertyKey[]) => void;
  /** A member of an object comes twice; the last one is kept, as JSON.parse does. */
  readonly twice: () => void;
}

/** Takes the value of one piece: a list with some members of the list at `path`, the first one of place `offset`, or an object with some of the object there. */
export type TakePiece = (value: object, piece: string, path: readonly PropertyKey[], offset: number) => void;

/** @returns the document without members named `__proto__`, which are to be refused. @throws SyntaxError for what is no JSON, or no list and no object. */
export async function parseInPieces(text: string, { take, tooDeep, tooMany, twice }: Reading, turns: Turns, pieceLength = pieceCharacters): Promise<unknown> {
  const root = await findLong(text, pieceLength, turns);
  if (root === null) throw new SyntaxError("The brackets do not match.");
  return read(root, []);

  function readLong(long: Long, path: readonly PropertyKey[]): object | Promise<object> {
    if (path.length < maxJsonDepth) return read(long, path);
    tooDeep(path);
    return [];
  }

  async function read({ start, end, inside }: Long, path: readonly PropertyKey[]): Promise<object> {
    const isList = text.charCodeAt(start) === openBracket;
    const list: unknown[] = [];
    const members: Record<string, unknown> = {};
    let count = 0;
    const parse = async (piece: string, long: Long | null): Promise<void> => {
      if (turns.due()) await turns.next();
      const text = isList ? `[${piece}]` : `{${piece}}`;
      const value = JSON.parse(text) as object;
      const keys = Array.isArray(value) ? null : Object.keys(value);
      const those = keys?.length ?? (value as readonly unknown[]).length;
      // A comma stands before or behind it: there has to be a member, and a long one is a piece of its own.
      if (those === 0 || (long !== null && those > 1)) throw new SyntaxError("A member is missing.");
      take(value, text, path, list.length);
      const whole = long === null ? undefined : await readLong(long, [...path, keys === null ? list.length : keys[0]!]);
      if (keys === null) for (const member of value as readonly unknown[]) list.push(whole ?? member);
      else if ((count += keys.length) > maxMembers) tooMany(path);
      else
        for (const key of keys) {
          if (Object.hasOwn(members, key)) twice();
          const member = whole ?? (value as Readonly<Record<string, unknown>>)[key];
          if (key !== "__proto__") members[key] = member;
        }
    };
    let from = start + 1;
    let lastComma = -1;
    let level = 0;
    let next = 0;
    let piece = "";
    let long: Long | null = null;
    for (let at = from; at < end; at++) {
      const code = text.charCodeAt(at);
      if (at === inside[next]?.start) {
        if (long !== null) throw new SyntaxError("A comma is missing.");
        if (lastComma >= from) {
          await parse(text.slice(from, lastComma), null);
          from = lastComma + 1;
        }
        long = inside[next++]!;
        piece = `${text.slice(from, at)} 0 `;
        at = long.end;
        from = at + 1;
      } else if (code === quote) at = endOfString(text, at);
      else if (code === openBracket || code === openBrace) level++;
      else if (code === closeBracket || code === closeBrace) level--;
      else if (code === comma && level === 0) {
        lastComma = at;
        if (long === null && at - from < pieceLength) continue;
        await parse(piece + text.slice(from, at), long);
        [from, piece, long] = [at + 1, "", null];
      }
    }
    const rest = piece + text.slice(from, end);
    if (from > start + 1 || !isBlank(rest)) await parse(rest, long);
    return isList ? list : members;
  }
}

const [quote, comma, openBracket, closeBracket, openBrace, closeBrace] = [34, 44, 91, 93, 123, 125];
const isBlank = (text: string) => /^[ \t\n\r]*$/.test(text);

/** Characters looked at before others may have their turn: 1 ms, or 4 where nearly all of them are brackets. */
export const lookCharacters = 64 * 1024;

/** Null when the document is no list and no object, or its brackets do not match. */
async function findLong(text: string, pieceLength: number, turns: Turns): Promise<Long | null> {
  const brackets = new Brackets(text, pieceLength);
  for (let until = lookCharacters; !brackets.look(until); until += lookCharacters) if (turns.due()) await turns.next();
  return brackets.root;
}

class Brackets {
  /** The document's own; null: none, or they do not match. */
  root: Long | null = null;
  readonly #text: string;
  readonly #pieceLength: number;
  #at = 0;
  /** The open brackets down to the first that is too deep: where each begins, and the long ones right inside it. Objects would take four times as long. */
  readonly #starts: number[] = [];
  readonly #insides: (Long[] | null)[] = [];
  /** The number of open brackets below that. Neither their content nor their match is checked. */
  #deeper = 0;

  constructor(text: string, pieceLength: number) {
    this.#text = text;
    this.#pieceLength = pieceLength;
  }

  /** @returns whether `root` is known. */
  look(until: number): boolean {
    const text = this.#text;
    const starts = this.#starts;
    let at = this.#at;
    for (const end = Math.min(until, text.length); at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) at = endOfString(text, at);
      else if (code === openBracket || code === openBrace) {
        if (starts.length > maxJsonDepth) this.#deeper++;
        else {
          starts.push(at);
          this.#insides.push(null);
        }
      } else if (code === closeBracket || code === closeBrace) {
        if (starts.length === 0) return true;
        if (this.#deeper > 0) {
          this.#deeper--;
          continue;
        }
        const start = starts.pop()!;
        const inside = this.#insides.pop()!;
        if (text.charCodeAt(start) + 2 !== code) return true;
        if (starts.length > 0) this.#closed(start, at, inside);
        else {
          if (isBlank(text.slice(0, start)) && isBlank(text.slice(at + 1))) this.root = { start, end: at, inside: inside ?? [] };
          return true;
        }
      }
    }
    this.#at = at;
    return at >= text.length;
  }

  #closed(start: number, end: number, inside: Long[] | null): void {
    if (end - start < this.#pieceLength || this.#starts.length > maxJsonDepth) return;
    const long = { start, end, inside: inside ?? [] };
    const around = this.#insides.length - 1;
    const those = this.#insides[around];
    if (those == null) this.#insides[around] = [long];
    else those.push(long);
  }
}
