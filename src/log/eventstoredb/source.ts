import { convertToCommandError } from "@eventstore/db-client";

/** What a call of the server brings: a readable stream of messages. */
export interface Source<T> {
  read(): T | null;
  on(event: "error", listener: (reason: Error) => void): unknown;
  on(event: "readable" | "end" | "close", listener: () => void): unknown;
  removeAllListeners(event: string): unknown;
  resume(): unknown;
  cancel(): void;
}

/**
 * @param announced something has arrived.
 * @param end nothing more comes; the reason, when it broke. May be called twice.
 */
export function listenTo<T>(source: Source<T>, announced: () => void, end: (reason?: unknown) => void): void {
  source.on("readable", announced);
  source.on("end", () => end());
  source.on("close", () => end());
  source.on("error", (reason) => end(isOurCancel(reason) ? undefined : convertToCommandError(reason)));
}

/** What is there already, up to the message that is enough. */
export function readUpTo<T>(source: Source<T>, enough: (message: T) => boolean): readonly T[] {
  const messages: T[] = [];
  for (let message = source.read(); message !== null; message = source.read()) {
    messages.push(message);
    if (enough(message)) break;
  }
  return messages;
}

/** Ends the call, and throws away what still arrives: a cancelled stream does not end, nor does its client, until all that waits in it was taken. */
export function abandon<T>(source: Source<T>): void {
  source.removeAllListeners("readable");
  source.resume();
  setImmediate(() => source.cancel()); // cancelled in the turn in which it was opened, a call may stay open
}

/** A call that its own client has cancelled ends with an error, too. */
function isOurCancel(reason: Error): boolean {
  const { code, details } = reason as { readonly code?: unknown; readonly details?: unknown };
  return code === 1 && details === "Cancelled on client";
}
