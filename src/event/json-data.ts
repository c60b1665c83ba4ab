/** Finds the places of a JSON value that a log cannot keep exactly. The rules are the same for data that comes as text and for data that code hands in. */

/** Lists and objects inside one another. A deeper value would overflow the stack of code that walks it later. */
export const maxJsonDepth = 128;
export const tooDeep = `Must not be nested more than ${maxJsonDepth} levels deep.`;

export interface JsonFault {
  readonly path: readonly PropertyKey[];
  /** A sentence that says what the value must be. */
  readonly detail: string;
  /** The value is a number that would come back as another one. */
  readonly isNumber: boolean;
}

/** A list or an object whose members are being looked at. */
interface Open {
  readonly value: object;
  /** Null for a list. */
  readonly keys: readonly string[] | null;
  readonly count: number;
  /** Place of the member that comes next. */
  next: number;
}

/** The value is part of a document that is read in pieces. */
interface Piece {
  /** Where the list or object is of which this is a piece. */
  readonly path: readonly PropertyKey[];
  /** Of a list: the place of the piece's first item. */
  readonly firstIndex: number;
}

/**
 * The members of all objects in what `JSON.parse` made, in a third of the time that a walk takes.
 *
 * @returns NaN for what a walk would tell of: it says where that is.
 */
export function membersIn(value: unknown, depth = 0): number {
  if (typeof value === "number") return isKept(value) ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  if (depth >= maxJsonDepth) return Number.NaN;
  return Array.isArray(value) ? membersInList(value, depth + 1) : membersInObject(value as Readonly<Record<string, unknown>>, depth + 1);
}

function membersInList(list: readonly unknown[], depth: number): number {
  let members = 0;
  for (const item of list) if (typeof item !== "string") members += membersIn(item, depth);
  return members;
}

function membersInObject(object: Readonly<Record<string, unknown>>, depth: number): number {
  let members = 0;
  for (const key in object) {
    if (key === "__proto__" || key === "constructor") return Number.NaN;
    const member = object[key];
    members += typeof member === "string" ? 1 : 1 + membersIn(member, depth);
  }
  return members;
}

/**
 * How many characters `JSON.stringify` makes of what `JSON.parse` made, without the backslashes of texts. No other JSON of the same value is as short.
 *
 * @returns NaN for what a walk would tell of, and for a number that can be written otherwise in as few characters: `1e2` and `100`.
 */
export function jsonLength(value: unknown, depth: number): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value === "number") return numberLength(value);
  if (typeof value === "boolean") return value ? 4 : 5;
  if (value === null) return 4;
  if (depth >= maxJsonDepth) return Number.NaN;
  let length = 1;
  if (Array.isArray(value)) {
    for (const item of value) length += 1 + jsonLength(item, depth + 1);
    return value.length === 0 ? 2 : length;
  }
  for (const key in value as object) {
    if (key === "__proto__" || key === "constructor") return Number.NaN;
    length += key.length + 4 + jsonLength((value as Readonly<Record<string, unknown>>)[key], depth + 1);
  }
  return length === 1 ? 2 : length;
}

/** A number of more digits may stand for one that was sent with others. */
const surelyKept = 15;

function numberLength(number: number): number {
  if (!isKept(number)) return Number.NaN;
  const size = Math.abs(number);
  const sign = number < 0 ? 1 : 0;
  if (Number.isInteger(number)) {
    if (size >= 100 && size % 100 === 0) return Number.NaN;
    let digits = 1;
    for (let ten = 10; ten <= size; ten *= 10) digits++;
    return sign + digits;
  }
  const { length } = String(number);
  return size >= 0.1 && length <= surelyKept ? length : Number.NaN;
}

/** Walks a value, and tells of each place that a log cannot keep. It walks in parts, since 4 MiB may be a million lists. */
export class JsonWalk {
  /** UTF-8 bytes that what was walked takes as JSON, at least. */
  bytes = 0;
  /** Of all objects that were walked. */
  members = 0;
  readonly #open: Open[] = [];
  readonly #piece: Piece | null;
  readonly #note: (fault: JsonFault) => void;

  constructor(value: unknown, note: (fault: JsonFault) => void, piece: Piece | null = null) {
    this.#note = note;
    this.#piece = piece;
    this.#see(value);
  }

  /** Goes on with so many values. @returns whether all of the value has been seen. */
  look(values: number): boolean {
    const open = this.#open;
    for (let left = values; left > 0; ) {
      const inner = open.at(-1);
      if (inner === undefined) return true;
      if (inner.next < inner.count) left -= inner.keys === null ? this.#items(inner, left) : this.#members(inner, inner.keys, left);
      else {
        open.pop();
        left--;
      }
    }
    return open.length === 0;
  }

  /** Goes on in a list, as far as the next list or object inside. @returns how many values it has looked at. */
  #items(list: Open, left: number): number {
    const items = list.value as readonly unknown[];
    const from = list.next;
    for (const end = Math.min(list.count, from + left); list.next < end; ) if (this.#see(items[list.next++])) break;
    return list.next - from;
  }

  /** The same in an object. */
  #members(object: Open, keys: readonly string[], left: number): number {
    const from = object.next;
    for (const end = Math.min(object.count, from + left); object.next < end; ) {
      const key = keys[object.next++]!;
      this.bytes += key.length + 3;
      this.members++;
      // Either key changes what an object is, as soon as some code copies it member by member.
      if (key === "__proto__" || key === "constructor") this.#tell(`The key ${key} is refused.`);
      else if (this.#see((object.value as Readonly<Record<string, unknown>>)[key])) break;
    }
    return object.next - from;
  }

  /** @returns whether it has members to look at. */
  #see(value: unknown): boolean {
    this.bytes += typeof value === "string" ? value.length + 3 : 2; // its comma is counted with it
    if (typeof value === "object" && value !== null) return this.#enter(value);
    if (typeof value === "number" && !isKept(value)) this.#tell("Must be a finite number, and as an integer within ±(2^53−1).", true);
    else if (value === undefined) this.#tell(this.#open.length === 0 ? "Is missing." : "Must not be undefined: leave the member out, or send null.");
    else if (typeof value === "bigint" || typeof value === "symbol" || typeof value === "function") this.#tell(`Must be JSON, not a ${typeof value}.`);
    return false;
  }

  #enter(value: object): boolean {
    const depth = this.#open.length + (this.#piece?.path.length ?? 0);
    const prototype: unknown = Object.getPrototypeOf(value);
    const isList = Array.isArray(value);
    if (depth >= maxJsonDepth) this.#tell(tooDeep);
    else if (!isList && prototype !== Object.prototype && prototype !== null) this.#tell("Must be JSON: a plain object or a list, not an instance of a class.");
    else {
      const keys = isList ? null : Object.keys(value);
      this.#open.push({ value, keys, count: keys?.length ?? (value as readonly unknown[]).length, next: 0 });
      return true;
    }
    return false;
  }

  /** Tells of the value that is looked at now. */
  #tell(detail: string, isNumber = false): void {
    const path: PropertyKey[] = [...(this.#piece?.path ?? [])];
    for (const [level, { keys, next }] of this.#open.entries()) path.push(keys?.[next - 1] ?? next - 1 + (level === 0 ? (this.#piece?.firstIndex ?? 0) : 0));
    this.#note({ path, detail, isNumber });
  }
}

/** Whether JSON keeps a number exactly. */
export function isKept(number: number): boolean {
  return Number.isInteger(number) ? Number.isSafeInteger(number) : Number.isFinite(number);
}
