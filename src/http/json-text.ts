/** What `JSON.parse` does not tell of a document: members that come twice, and numbers that no double keeps. */
import { below } from "../catalog/places.ts";
import type { ErrorPlace } from "../errors.ts";

/** What one quick look over a valid document shows. */
export interface Counted {
  /** In all objects of the text. A parsed value that has fewer lost those that came twice. */
  readonly members: number;
  /** At least one number would come out as another. */
  readonly unsafe: boolean;
}

/** @param text a document that `JSON.parse` has read. One turn over it: 1 ns a character, where a reviver of JSON.parse takes 10. */
export function countMembers(text: string): Counted {
  let members = 0;
  let unsafe = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === colon) members++;
    else if (beginsNumber(code)) {
      const end = endOfNumber(text, at);
      unsafe ||= !survives(text, at, end);
      at = end - 1;
    }
  }
  return { members, unsafe };
}

/** The places of what `countMembers` found, of each kind at most `maxPlaces`. Without recursion: of a member that comes twice nobody has seen how deep it goes. */
export function findFaults(text: string, maxPlaces: number): { readonly repeated: readonly ErrorPlace[]; readonly unsafe: readonly ErrorPlace[] } {
  const repeated: ErrorPlace[] = [];
  const unsafe: ErrorPlace[] = [];
  /** Open brackets: the members so far of an object, null for a list; and which of them comes now. */
  const open: { readonly keys: Set<string> | null; current: PropertyKey }[] = [];
  const note = (places: ErrorPlace[], detail: string): void => {
    if (places.length < maxPlaces) places.push({ pointer: below("#", ...open.map(({ current }) => current)), detail });
  };
  let mayBeKey = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const inner = open.at(-1);
    if (code === quote) {
      const end = endOfString(text, at);
      if (mayBeKey && inner !== undefined && inner.keys !== null) {
        const key = JSON.parse(text.slice(at, end + 1)) as string;
        inner.current = key;
        if (inner.keys.has(key)) note(repeated, "is there more than once");
        inner.keys.add(key);
        mayBeKey = false;
      }
      at = end;
    } else if (code === openBrace || code === openBracket) {
      open.push({ keys: code === openBrace ? new Set() : null, current: 0 });
      mayBeKey = code === openBrace;
    } else if (code === closeBrace || code === closeBracket) open.pop();
    else if (code === comma && inner !== undefined) {
      if (inner.keys === null) inner.current = (inner.current as number) + 1;
      mayBeKey = inner.keys !== null;
    } else if (beginsNumber(code)) {
      const end = endOfNumber(text, at);
      if (!survives(text, at, end)) note(unsafe, "is a number that would not be kept to the digit");
      at = end - 1;
    }
  }
  return { repeated, unsafe };
}

const [quote, backslash, colon, comma] = [34, 92, 58, 44];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];
const [plus, minus, point, zero, nine] = [43, 45, 46, 48, 57];

/** @param at its first quote. @returns where its last one is. */
export function endOfString(text: string, at: number): number {
  for (let code = text.charCodeAt(++at); code !== quote && at < text.length; code = text.charCodeAt(++at)) if (code === backslash) at++;
  return at;
}

function beginsNumber(code: number): boolean {
  return code === minus || isDigit(code);
}

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

function endOfNumber(text: string, at: number): number {
  for (let code = text.charCodeAt(at); isDigit(code) || code === point || code === minus || code === plus || isExponent(code); code = text.charCodeAt(at)) at++;
  return at;
}

/** `e`, `E`. */
function isExponent(code: number): boolean {
  return (code | 32) === 101;
}

/** A decimal of up to 15 digits comes back from a double as it went in. */
const alwaysKept = 15;

/**
 * Whether a number comes out of JavaScript with the digits that it went in with; `1.0` and `1` are the same, and so are `-0` and `0`. Integers beyond
 * ±(2^53−1) never do, as their neighbours do not.
 */
function survives(text: string, from: number, to: number): boolean {
  let exponent = false;
  for (let at = from; at < to && !exponent; at++) exponent = isExponent(text.charCodeAt(at));
  if (!exponent && to - from <= alwaysKept) return true;
  const digits = text.slice(from, to);
  const value = Number(digits);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false;
  const [sent, kept] = [decimalOf(digits), decimalOf(String(value))];
  return sent.digits === kept.digits && (sent.digits === "" || sent.exponent === kept.exponent);
}

/** `digits` × 10^`exponent`, without a zero at either end. By hand: `/0+$/` takes quadratic time for a number of a million zeros. */
function decimalOf(number: string): { readonly digits: string; readonly exponent: number } {
  const unsigned = number.startsWith("-") ? number.slice(1) : number;
  const [mantissa = "", power = "0"] = unsigned.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = whole + fraction;
  let [first, last] = [0, all.length];
  while (first < last && all.charCodeAt(first) === zero) first++;
  while (last > first && all.charCodeAt(last - 1) === zero) last--;
  return { digits: all.slice(first, last), exponent: Number(power) - fraction.length + (all.length - last) };
}
