/**
 * Reads what a user's code threw. Nothing that is thrown can break the reader: objects whose getters throw, revoked proxies, symbols, undefined.
 * Only here do an error's own words become a message, and so only here is a payload cut out of them.
 */
import { withoutQuoted } from "./without-payload.ts";

/**
 * The error's name. Where that is only the inherited "Error" (`class OutOfStock extends Error {}`) it is the name of the class; for a value that is no error
 * it is the kind of value.
 */
export function typeOf(thrown: unknown): string {
  if (thrown === null) return "null";
  if (!isObject(thrown)) return typeof thrown;
  const name = textAt(thrown, "name");
  const named = name === undefined || name === "Error" ? className(thrown) : name;
  return named ?? name ?? "Object";
}

/** Cuts what is known to be secret out of a message. @param engines whether the message may be the engine's. */
export type Cut = (message: string, engines: boolean) => string;

const cutNothing: Cut = (message) => message;

/** The error's message, without the values that the engine has quoted. No other member of an object is read, because the object may be the payload. */
export function messageOf(thrown: unknown, cut: Cut = cutNothing): string {
  if (thrown === undefined || thrown === null) return `${thrown} was thrown`;
  if (!isObject(thrown)) return String(thrown);
  const message = textAt(thrown, "message", true);
  if (message === undefined) return "what was thrown has no message";
  const engines = isEngines(thrown);
  return withoutQuoted(cut(message, engines), engines);
}

/** Its stack, whose first lines are its name and message again. Empty when it has none. */
export function stackOf(thrown: unknown, cut: Cut = cutNothing): string {
  const stack = textAt(thrown, "stack");
  const message = textAt(thrown, "message");
  if (stack === undefined) return "";
  const told = message === undefined ? "" : messageOf(thrown, cut);
  const at = message === undefined ? -1 : stack.indexOf(message);
  return at === -1 ? stack : stack.slice(0, at) + told + stack.slice(at + message!.length);
}

/** An `instanceof` that no value can break; on a proxy the plain one may throw. */
export function isA<T>(type: abstract new (...args: never[]) => T, value: unknown): value is T {
  return quietly(() => value instanceof type) === true;
}

export function className(value: unknown): string | undefined {
  return textAt(valueAt(value, "constructor"), "name");
}

/** The text at `key`; undefined for anything else, and for an empty text unless it is wanted. */
export function textAt(value: unknown, key: string, orEmpty = false): string | undefined {
  const text = valueAt(value, key);
  return typeof text === "string" && (orEmpty || text !== "") ? text : undefined;
}

export function valueAt(value: unknown, key: string): unknown {
  return quietly(() => (value as Record<string, unknown> | null | undefined)?.[key]);
}

/** Probably made by the engine or by Node. A user's own TypeError cannot be told apart, and is treated as one of theirs. */
function isEngines(thrown: unknown): boolean {
  return engines.some((type) => isA(type, thrown)) || /^(?:ERR_|E[A-Z]+$)/.test(textAt(thrown, "code") ?? "");
}

const engines = [SyntaxError, TypeError, RangeError, URIError, ReferenceError, EvalError] as const;

function isObject(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
