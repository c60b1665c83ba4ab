/** Finds the place in a user's own files where something went wrong: the stack's first frame that is not of Reprise, Node or a package. */
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { textAt } from "./thrown.ts";

/** This package's code: `src` or `dist`. */
const ours = fileURLToPath(new URL("..", import.meta.url));
const maxFrames = 200;

/** Runs `act` with stacks deep enough to reach a user's file through the calls of packages between. */
export async function withDeepStacks<T>(act: () => Promise<T>): Promise<T> {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = maxFrames;
  try {
    return await act();
  } finally {
    Error.stackTraceLimit = before;
  }
}

/** `<file>:<line>` of the user's file that comes first in the error's stack; undefined where there is none. */
export function userPlaceOf(error: unknown): string | undefined {
  const stack = textAt(error, "stack") ?? "";
  const headed = headPlaceOf(error);
  if (headed !== undefined) return headed;
  for (const [, file, line] of stack.matchAll(/^\s+at (?:.*?\()?((?:file:\/\/|\/|[A-Za-z]:\\)[^\n]*?):(\d+):\d+\)?$/gm)) {
    const path = toPath(file!);
    if (isUsers(path)) return `${path}:${line}`;
  }
  return undefined;
}

/** What Node puts before a stack, `<file>:<line>`: the place of a syntax error, in the config or in a file that it imports. */
export function headPlaceOf(error: unknown): string | undefined {
  const head = /^((?:file:\/\/|\/|[A-Za-z]:\\)[^\n]*):(\d+)\n/.exec(textAt(error, "stack") ?? "");
  return head === null ? undefined : `${toPath(head[1]!)}:${head[2]}`;
}

/** True when code of the user's threw it, and nothing that it called. */
export function isThrownByUser(error: unknown): boolean {
  const first = /^\s+at [^\n]*$/m.exec(textAt(error, "stack") ?? "")?.[0];
  return first !== undefined && userPlaceOf({ stack: `\n${first}` }) !== undefined;
}

/** Not of this package, and of no other. */
export function isUsers(path: string): boolean {
  return !path.startsWith(ours) && !path.split(sep).includes("node_modules");
}

/** A file URL, or a path already, as a path. */
export function toPath(file: string): string {
  if (!file.startsWith("file:")) return file;
  try {
    return fileURLToPath(file.replace(/\?.*$/, ""));
  } catch {
    return file;
  }
}
