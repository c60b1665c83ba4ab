import type { Json } from "../../event/event.ts";
import { Terminal } from "../handler.ts";
import { shownKey } from "./key.ts";

export const maxResultBytes = 64 * 1024;

/**
 * What JSON makes of an effect's result: every later attempt gets that, so the first one gets it too. The effect is done, so a fault here must not have
 * it run again.
 *
 * @throws Terminal for what is no JSON, or too long.
 */
export function toResult(result: unknown, key: string): Json | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch {
    throw noJson(key);
  }
  if (text === undefined) {
    if (result === undefined) return undefined;
    throw noJson(key);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > maxResultBytes)
    throw new Terminal(
      `effect "${shownKey(key)}" ran, but its result has ${bytes} bytes of JSON, more than ${maxResultBytes}: return an id and keep the rest elsewhere`,
    );
  return JSON.parse(text) as Json;
}

function noJson(key: string): Terminal {
  return new Terminal(`effect "${shownKey(key)}" ran, but its result is no JSON: return an id or a plain object`);
}
