/**
 * JSON of megabytes, read piece by piece: `JSON.parse` of 4 MiB of short lists holds the thread for 100 ms, and all that is asked of what comes out for as
 * long again. Pieces are cut at commas, so that a document is valid where each of its pieces is.
 */
import { makeTurns } from "../event/turns.ts";
import { endOfString } from "./json-text.ts";

/** Of a piece, about; a longer document is cut. What comes out of so much takes 5 ms. */
export const pieceCharacters = 128 * 1024;
/** Lists and objects inside such as are cut; what is deeper stays in one piece. */
const cutLevels = 64;

/** A list or an object that is longer than a piece, by its brackets, and those right inside it. */
interface Long {
  readonly start: number;
  readonly end: number;
  readonly inside: readonly Long[];
}

/** Takes the value of one piece: a list with some members of the list at `path`, the first one of place `offset`, or an object with some of the object there. */
export type TakePiece = (value: object, piece: string, path: readonly PropertyKey[], offset: number) => void;

/**
 * @param take is asked for each piece; refuses `__proto__`, which is left out.
 * @returns the document; undefined when it has no members, is no JSON, or an object of it has a member twice.
 */
export async function parseInPieces(text: string, take: TakePiece, pieceLength = pieceCharacters): Promise<unknown> {
  const root = findLong(text, pieceLength);
  if (root === null) return undefined;
  const turns = makeTurns();
  try {
    return await read(root, []);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }

  async function read({ start, end, inside }: Long, path: readonly PropertyKey[]): Promise<object> {
    const isList = text.charCodeAt(start) === openBracket;
    const list: unknown[] = [];
    const members: Record<string, unknown> = {};
    const parse = async (piece: string, long: Long | null): Promise<void> => {
      if (turns.due()) await turns.next();
      const text = isList ? `[${piece}]` : `{${piece}}`;
      const value = JSON.parse(text) as object;
      const keys = Array.isArray(value) ? null : Object.keys(value);
      const count = keys?.length ?? (value as readonly unknown[]).length;
      // A comma stands before or behind it: there has to be a member, and a long one is a piece of its own.
      if (count === 0 || (long !== null && count > 1)) throw new SyntaxError("A member is missing.");
      take(value, text, path, list.length);
      const whole = long === null ? undefined : await read(long, [...path, keys === null ? list.length : keys[0]!]);
      if (keys === null) for (const member of value as readonly unknown[]) list.push(whole ?? member);
      else
        for (const key of keys) {
          if (Object.hasOwn(members, key)) throw new SyntaxError("A member comes twice."); // whoever reads it at once says where
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

/** Null when the document is no list and no object, or its brackets do not match. */
function findLong(text: string, pieceLength: number): Long | null {
  const open: { readonly start: number; readonly closes: number; inside: Long[] | null }[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === openBracket || code === openBrace) open.push({ start: at, closes: code + 2, inside: null });
    else if (code === closeBracket || code === closeBrace) {
      const last = open.pop();
      if (last === undefined || last.closes !== code) return null;
      const long = { start: last.start, end: at, inside: last.inside ?? [] };
      const around = open.at(-1);
      if (around === undefined) return isBlank(text.slice(0, last.start)) && isBlank(text.slice(at + 1)) ? long : null;
      if (at - last.start >= pieceLength && open.length <= cutLevels) {
        if (around.inside === null) around.inside = [long];
        else around.inside.push(long);
      }
    }
  }
  return null;
}
