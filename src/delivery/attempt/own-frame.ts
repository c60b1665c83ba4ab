/**
 * Names the place in a project's own code where a call failed, so that it keeps its name over builds and machines: the file as the project has it, the
 * function, and the words of the line. Its number is left out, because it moves with every change above it.
 */
import { readFileSync, statSync } from "node:fs";
import { LRUCache } from "lru-cache";
import { isUsers, toPath } from "../../event/user-place.ts";
import { projectPath } from "./project-path.ts";

const maxStackChars = 16_384;
const maxFrames = 60;
const maxFrameChars = 1000;
/** A longer line is made by a tool, and has many places. */
const maxLineChars = 300;
const maxSourceBytes = 1_000_000;
const keptPlaces = 5000;

interface Frame {
  readonly called: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** @param stack of what was thrown. @param message its message, which stands before the frames. @returns null where no frame is of the project. */
export function ownFrame(stack: string, message = ""): string | null {
  const at = message === "" ? -1 : stack.slice(0, maxStackChars).indexOf(message);
  const frames = stack
    .slice(at === -1 ? 0 : at + message.length)
    .slice(0, maxStackChars)
    .split("\n", maxFrames);
  for (const text of frames) {
    const frame = toFrame(text);
    if (frame !== null && isUsers(frame.path)) return `${projectPath(frame.path)} ${frame.called} ${wordsOf(frame)}`;
  }
  return null;
}

/** `    at async Object.charge [as order.placed] (file:///app/handlers/bank.ts:12:9)`, with or without a name. */
function toFrame(text: string): Frame | null {
  const line = text.trim();
  if (!line.startsWith("at ") || line.length > maxFrameChars) return null;
  const open = line.endsWith(")") ? line.lastIndexOf(" (") : -1;
  const called =
    open === -1
      ? ""
      : line
          .slice(3, open)
          .replace(/^async /, "")
          .replace(/ \[as .*$/, "");
  const place = open === -1 ? line.slice(3).replace(/^async /, "") : line.slice(open + 2, -1);
  const [column, lineNumber, ...rest] = place.split(":").reverse();
  const path = toPath(rest.reverse().join(":"));
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(path) || !/^\d+$/.test(column ?? "") || !/^\d+$/.test(lineNumber ?? "")) return null;
  return { called: called === "" ? "<anonymous>" : called, path, line: Number(lineNumber), column: Number(column) };
}

const words = new LRUCache<string, string>({ max: keptPlaces });

/** The line's own words: of two places in one function they differ. Read once for each place, when it first fails. */
function wordsOf({ path, line, column }: Frame): string {
  const key = `${path}:${line}:${column}`;
  const known = words.get(key);
  if (known !== undefined) return known;
  const found = readWords(path, line, column);
  words.set(key, found);
  return found;
}

function readWords(path: string, line: number, column: number): string {
  try {
    if (statSync(path).size > maxSourceBytes) return "";
    const text = readFileSync(path, "utf8").split("\n", line)[line - 1] ?? "";
    const indent = text.length - text.trimStart().length;
    return text.length > maxLineChars ? "" : `${text.trim().replaceAll(/\s+/g, " ")} ${Math.max(0, column - indent)}`;
  } catch {
    return ""; // what runs was put together from files that are not here
  }
}
