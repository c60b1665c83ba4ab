import { type Cut, className, messageOf, stackOf, textAt, typeOf, valueAt } from "../../event/thrown.ts";
import { withoutValues } from "../../event/without-payload.ts";
import type { AttemptError } from "../../records/attempt.ts";

const maxTypeChars = 200;
const maxMessageChars = 1000;
/** The most bytes of a stack, and of the beginning of a response, in UTF-8. */
export const maxTextBytes = 4096;
/** How many causes are kept: `fetch failed` says nothing without its cause, and a chain of causes may be endless. */
const maxCauses = 3;

/**
 * What a handler threw, as it is kept. Takes any value: objects whose getters throw, revoked proxies, symbols, undefined.
 *
 * `type` is the error's name, or its class's where the name is the inherited "Error" (`class OutOfStock extends Error {}`); for what is
 * no error, the kind of value. `message` has at most 1000 characters. `stack` has at most 4 KiB, with the causes at its end.
 *
 * @param data of the event that was handled. Where the engine quotes it (`Cannot add property <a customer's name>`), it is cut; the handler's own words stay.
 */
export function toAttemptError(thrown: unknown, data?: unknown): AttemptError {
  const cut: Cut = (message, engines) => (engines ? withoutValues(message, data) : message);
  const type = clipChars(typeOf(thrown), maxTypeChars);
  const message = clipChars(messageOf(thrown, cut), maxMessageChars);
  const stack = stacksOf(thrown, cut);
  return stack === "" ? { type, message } : { type, message, stack };
}

/** An error as the service's log shows it. It has no other members, because those of an error may hold a payload, or an address with its key. */
export function loggedError(error: unknown): object {
  const code = textAt(error, "code");
  return { ...toAttemptError(error), ...(code === undefined ? {} : { code: clipChars(code, maxTypeChars) }) };
}

/** The names under which `nonRetryable` may list what was thrown: its own name and its class's. */
export function errorNames(thrown: unknown): readonly string[] {
  return [textAt(thrown, "name"), className(thrown)].filter((name) => name !== undefined);
}

/**
 * A failed exchange in one word, such as `ECONNREFUSED`. It is the same for each failure of a kind, while the messages of the errors name changing ports.
 * A connection that the other side closed is always `ECONNRESET`.
 */
export function transportCode(error: unknown): string {
  // When several addresses were tried, it is an AggregateError; its first error tells as much as the others.
  const code = textAt(error, "code") ?? textAt(valueAt(valueAt(error, "errors"), "0"), "code");
  return code === "UND_ERR_SOCKET" ? "ECONNRESET" : clipChars(code ?? typeOf(error), maxTypeChars);
}

/** At most `maxChars` UTF-16 units, never half a character: half ones do not survive UTF-8. */
export function clipChars(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed();
}

/** At most `maxTextBytes` in UTF-8, never half a character. */
export function clipBytes(text: string): string {
  if (text.length * 3 <= maxTextBytes) return text.toWellFormed(); // a UTF-16 unit takes three bytes at most
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxTextBytes));
  return text.slice(0, read).toWellFormed();
}

function stacksOf(thrown: unknown, cut: Cut): string {
  const stacks: string[] = [];
  for (let error = thrown; stacks.length <= maxCauses; error = valueAt(error, "cause")) {
    const stack = stackOf(error, cut);
    if (stack === "") break;
    // Each is cut before they are joined, so that a huge stack is not copied.
    stacks.push(clipBytes(stack));
  }
  return clipBytes(stacks.join("\ncaused by: "));
}
