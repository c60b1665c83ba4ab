/** Reads the bodies that most clients send by the same rules as `eventRequest`, in a fifth of the time. */
import type { Json } from "../../event/event.ts";
import { eventTypePattern } from "../../event/names.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import { isOrdinaryEntity } from "../../store/append/ordinary.ts";

/** Texts that are surely marks. There are others. */
const plainMark = /^[\w.:/@ -]{1,256}$/;

/** @param body as JSON brought it. @returns null for a body that says more, or that may have a fault: the shape tells then. */
export function readUsualEvent(body: unknown): EventInput | null {
  if (typeof body !== "object" || body === null) return null;
  let type: string | undefined;
  let entity: EventInput["entity"] | undefined;
  let data: Json | undefined;
  let schemaVersion: number | undefined;
  let source: string | undefined;
  for (const name in body) {
    const member = (body as Readonly<Record<string, unknown>>)[name];
    if (name === "type" && typeof member === "string" && eventTypePattern.test(member)) type = member;
    else if (name === "entity" && isOrdinaryEntity(member)) entity = member;
    else if (name === "data") data = member as Json;
    else if (name === "schema_version" && Number.isSafeInteger(member) && (member as number) >= 1) schemaVersion = member as number;
    else if (name === "source" && typeof member === "string" && plainMark.test(member)) source = member;
    else return null;
  }
  if (type === undefined || entity === undefined || data === undefined) return null;
  const input: { -readonly [M in keyof EventInput]: EventInput[M] } = { type, entity, data };
  if (schemaVersion !== undefined) input.schemaVersion = schemaVersion;
  if (source !== undefined) input.source = source;
  return input;
}
