import type { Json } from "./event.ts";

const valueBytes = 16;

/** About how many bytes a value takes in memory; it looks no further once that is `enough`. A tenth of the time of writing it as JSON. */
export function aboutBytes(value: Json, enough = Number.POSITIVE_INFINITY): number {
  if (typeof value === "string") return valueBytes + value.length;
  if (typeof value !== "object" || value === null) return valueBytes;
  let bytes = valueBytes;
  if (Array.isArray(value)) {
    // `for … in` would make a text of each index: 1.0 against 0.12 µs for an order with two lines.
    for (let index = 0; index < value.length && bytes < enough; index++) bytes += valueBytes + aboutBytes(value[index], enough - bytes);
    return bytes;
  }
  for (const name in value) {
    bytes += valueBytes + aboutBytes((value as Readonly<Record<string, Json>>)[name]!, enough - bytes);
    if (bytes >= enough) return bytes;
  }
  return bytes;
}
