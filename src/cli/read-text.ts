import { open } from "node:fs/promises";
import { isRepriseError, type RepriseError } from "../errors.ts";
import { parseJsonText } from "../http/json.ts";
import { Failure, usage } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

const maxInputBytes = 256 * 1024 * 1024;

/**
 * A file's text, or standard input's for `-`.
 *
 * @param missing said when standard input is a terminal: nobody types JSON there.
 */
export async function readText(file: string, terminal: Terminal, missing: string): Promise<string> {
  if (file === "-" && terminal.interactive) throw usage(missing);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === "-" ? terminal.input() : (await open(file)).createReadStream()) {
      chunks.push(chunk);
      if ((bytes += chunk.length) > maxInputBytes) throw usage(`The input is larger than ${maxInputBytes} bytes: split it.`);
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw usage(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw usage("The input is not valid UTF-8.");
  }
}

/** `--data`: JSON itself, `@<file>`, or `-` for standard input. As text: the service is to see every digit that was typed. */
export async function readData(data: string, terminal: Terminal, missing: string): Promise<string> {
  const text = data === "-" || data.startsWith("@") ? await readText(data.replace(/^@/, ""), terminal, missing) : data;
  if (!isJson(text)) throw usage("--data is not JSON.");
  return text;
}

/** Why a line of a file cannot be appended: what the service would answer, before anything is sent. Null when it can. */
export function faultOf(json: string): RepriseError | null {
  try {
    parseJsonText(json);
    return null;
  } catch (error) {
    if (isRepriseError(error)) return error;
    throw error;
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
