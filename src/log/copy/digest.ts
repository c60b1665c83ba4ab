import { createHash } from "node:crypto";
import type { Json, NewEvent } from "../../event/event.ts";

/** Covers everything but the position, which differs from log to log. */
export function digestOf(
  before: Uint8Array | null,
  revision: number,
  recordedAt: string,
  { id, type, schemaVersion, source, occurredAt, data, metadata }: NewEvent,
): Uint8Array {
  const hash = createHash("sha256");
  if (before !== null) hash.update(before);
  return hash.update(JSON.stringify(sorted([revision, recordedAt, id, type, schemaVersion, source, occurredAt, data, metadata as unknown as Json]))).digest();
}

/** Sorts members by name: their order has no meaning, and a log may build metadata anew. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
