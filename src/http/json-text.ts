/** Finds the faults that `JSON.parse` does not report: repeated members, and numbers that no double keeps. */
import { below } from "../catalog/places.ts";
import type { ErrorPlace } from "../errors.ts";

/** The result of one quick pass over a valid document. */
export interface Counted {
  /** The number of members in all objects of the text. If the parsed value has fewer, some members were repeated. */
  readonly members: number;
  /** At least one number would be changed by parsing. */
  readonly unsafe: boolean;
}

/** @param text a document that `JSON.parse` has read. One pass takes 1 ns a character; a reviver of JSON.parse takes 10. */
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

/** The places of the faults that `countMembers` found, of each kind at most `maxPlaces`. */
export function findFaults(text: string, maxPlaces: number): Pick<FaultSearch, "repeated" | "unsafe"> {
  const search = new FaultSearch(text, maxPlaces);
  search.look(text.length);
  return search;
}

/** The same in parts. Without recursion, because nobody has checked yet how deep a repeated member nests. */
export class FaultSearch {
  readonly repeated: ErrorPlace[] = [];
  readonly unsafe: ErrorPlace[] = [];
  readonly #text: string;
  readonly #maxPlaces: number;
  #at = 0;
  /** Open brackets: the members so far of an object, null for a list; and which of them comes now. */
  readonly #open: { readonly keys: Set<string> | null; current: PropertyKey }[] = [];
  #mayBeKey = false;

  constructor(text: string, maxPlaces: number) {
    this.#text = text;
    this.#maxPlaces = maxPlaces;
  }

  /** @returns whether all of the text has been looked at. */
  look(until: number): boolean {
    const text = this.#text;
    const open = this.#open;
    let at = this.#at;
    for (const stop = Math.min(until, text.length); at < stop; at++) {
      const code = text.charCodeAt(at);
      const inner = open.at(-1);
      if (code === quote) {
        const end = endOfString(text, at);
        if (this.#mayBeKey && inner !== undefined && inner.keys !== null) {
          const key = JSON.parse(text.slice(at, end + 1)) as string;
          inner.current = key;
          if (inner.keys.has(key)) this.#note(this.repeated, "is there more than once");
          inner.keys.add(key);
          this.#mayBeKey = false;
        }
        at = end;
      } else if (code === openBrace || code === openBracket) {
        open.push({ keys: code === openBrace ? new Set() : null, current: 0 });
        this.#mayBeKey = code === openBrace;
      } else if (code === closeBrace || code === closeBracket) open.pop();
      else if (code === comma && inner !== undefined) {
        if (inner.keys === null) inner.current = (inner.current as number) + 1;
        this.#mayBeKey = inner.keys !== null;
      } else if (beginsNumber(code)) {
        const end = endOfNumber(text, at);
        if (!survives(text, at, end)) this.#note(this.unsafe, "is a number that would not be kept to the digit");
        at = end - 1;
      }
    }
    this.#at = at;
    return at >= text.length;
  }

  #note(places: ErrorPlace[], detail: string): void {
    if (places.length < this.#maxPlaces) places.push({ pointer: below("#", ...this.#open.map(({ current }) => current)), detail });
  }
}

const [quote, backslash, colon, comma] = [34, 92, 58, 44];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];
const [plus, minus, point, zero, nine] = [43, 45, 46, 48, 57];

/** So many characters are looked at one by one, because most texts are shorter, and a search for the next quote costs as much. */
const shortText = 32;

/** @param at its first quote. @returns where its last one is; the end of `text` when there is none. */
export function endOfString(text: string, at: number): number {
  for (;;) {
    for (const stop = at + shortText; at < stop; ) {
      const code = text.charCodeAt(++at);
      if (code === quote || at >= text.length) return at;
      if (code === backslash) at++;
    }
    // A loop over a megabyte holds the thread for 15 ms before it is compiled; a search does not. What is behind `at` begins whole.
    const from = at + 1;
    const end = text.indexOf('"', from);
    if (end === -1) return text.length;
    let before = end;
    while (before > from && text.charCodeAt(before - 1) === backslash) before--;
    if ((end - before) % 2 === 0) return end;
    at = end;
  }
}

function beginsNumber(code: number): boolean {
  return code === minus || isDigit(code);
}

function isDigit(code: number): boolean {
  return code >= zero && code <= nine;
}

function endOfNumber(text: string, at: number): number {
  for (const stop = at + shortText; at < stop; at++) {
    const code = text.charCodeAt(at);
    if (!(isDigit(code) || code === point || code === minus || code === plus || isExponent(code))) return at;
  }
  // A search is used here, as for texts, because a number may have four million digits.
  noPartOfNumber.lastIndex = at;
  return noPartOfNumber.exec(text)?.index ?? text.length;
}

const noPartOfNumber = /[^-+.0-9eE]/g;

/** `e`, `E`. */
function isExponent(code: number): boolean {
  return (code | 32) === 101;
}

/** A decimal of up to 15 digits comes back from a double as it went in. */
const alwaysKept = 15;
/** No double is written with more. */
const mostKept = 17;

/**
 * Whether JavaScript keeps the digits of a number; `1.0` and `1` are the same, and so are `-0` and `0`. Integers beyond ±(2^53−1) count as not kept,
 * because JavaScript does not keep their neighbours.
 */
function survives(text: string, from: number, to: number): boolean {
  let exponent = false;
  for (let at = from; at < to && !exponent; at++) exponent = isExponent(text.charCodeAt(at));
  if (!exponent && to - from <= alwaysKept) return true;
  const digits = text.slice(from, to);
  const sent = decimalOf(digits);
  if (sent.digits.length > mostKept) return false;
  const value = Number(digits);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return false;
  const kept = decimalOf(String(value));
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
