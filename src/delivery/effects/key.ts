import { clipChars } from "../attempt/attempt-error.ts";

export const maxKeyChars = 256;

/** True for what a handler may name an effect or an append by. */
export function isKey(key: unknown): key is string {
  return typeof key === "string" && key !== "" && key.length <= maxKeyChars && key.isWellFormed();
}

/** A key in a message. */
export function shownKey(key: string): string {
  return clipChars(key, 80);
}
