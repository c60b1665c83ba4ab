/**
 * A stored event as a line of a segment: one CloudEvents 1.0 event in JSON, with all that the log knows of it. Whoever reads CloudEvents can read it without
 * Reprise; `eventOf` gives back exactly the event that was stored. Pure.
 */
import { isDeepStrictEqual } from "node:util";
import { RepriseError } from "../../errors.ts";
import type { EventMetadata, Json, StoredEvent } from "../../event/event.ts";
import { parseStreamName, streamName } from "../../event/names.ts";

type Line = Readonly<Record<string, Json>>;

/** Attributes of ours. An extension of a producer that has such a name stands in `storedform` only. */
const ours: ReadonlySet<string> = new Set([
  ...["specversion", "id", "type", "source", "subject", "time", "datacontenttype", "data", "schemaversion", "revision", "position", "recordedtime"],
  ...["tenant", "logid", "priority", "correlationid", "causationid", "traceparent", "callchain", "contextrefs", "storedform"],
]);

/** What CloudEvents cannot say exactly: it wants a source, knows no null, and its texts have no lists. */
type Form = Pick<StoredEvent, "source" | "occurredAt" | "metadata">;

/** What stands in place of a source that was not given, because CloudEvents wants one. */
const noSource = "reprise";

/** @throws LOG_DAMAGED for an event that is not as it was stored, or whose numbers JSON does not hold. */
export function lineOf(event: StoredEvent, logId: string): string {
  if (event.damage !== undefined) throw new RepriseError("LOG_DAMAGED", `An event that is damaged is not archived: ${event.damage.detail}.`);
  if (streamName(event.tenant, event.entity) !== event.stream || !isJson(event.data))
    throw new RepriseError("LOG_DAMAGED", `${event.stream} has an event at revision ${event.revision} that no archive can hold exactly.`);
  const { metadata, source, occurredAt } = event;
  const line: Record<string, Json | undefined> = {
    ...Object.fromEntries(Object.entries(metadata.extensions ?? {}).filter(([name]) => !ours.has(name))),
    specversion: "1.0",
    id: event.id,
    type: event.type,
    source: source || noSource,
    subject: `${event.entity.type}/${event.entity.id}`,
    time: occurredAt || event.recordedAt,
    datacontenttype: "application/json",
    schemaversion: event.schemaVersion,
    revision: event.revision,
    position: event.position.toString(),
    recordedtime: event.recordedAt,
    tenant: event.tenant,
    logid: logId,
    priority: metadata.priority,
    correlationid: metadata.correlationId || undefined,
    causationid: metadata.causationId || undefined,
    traceparent: metadata.traceparent || undefined,
    callchain: metadata.callChain?.join(",") || undefined,
    contextrefs: metadata.contextRefs?.map(({ kind, ref }) => `${kind}:${ref}`).join(",") || undefined,
  };
  const form: Form = { source, occurredAt, metadata };
  const stored = JSON.stringify(form);
  if (!isDeepStrictEqual(formOf(JSON.parse(JSON.stringify(line)) as Line), JSON.parse(stored))) line.storedform = stored;
  return JSON.stringify({ ...line, data: event.data });
}

/**
 * The event of a line.
 *
 * @param where for the message: "line 3 of segments/….ndjson.gz".
 * @throws ARCHIVE_DAMAGED for what is no such line, ARCHIVE_FOREIGN for an event of another log.
 */
export function eventOf(text: string, logId: string, where: string): StoredEvent {
  let line: Line;
  let form: Form;
  try {
    line = JSON.parse(text) as Line;
    form = typeof line.storedform === "string" ? (JSON.parse(line.storedform) as Form) : formOf(line);
  } catch (cause) {
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not an event.`, { cause });
  }
  const { id, type, schemaversion, subject, tenant, revision, position, recordedtime, logid } = line;
  const slash = typeof subject === "string" ? subject.indexOf("/") : -1;
  const entity = { type: String(subject).slice(0, slash), id: String(subject).slice(slash + 1) };
  const isOne = slash > 0 && Number.isSafeInteger(schemaversion) && Number.isSafeInteger(revision) && /^\d{1,20}$/.test(String(position)) && "data" in line;
  if (!isOne || ![id, type, tenant, recordedtime, logid].every((value) => typeof value === "string" && value !== ""))
    throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not an event.`);
  if (logid !== logId) throw new RepriseError("ARCHIVE_FOREIGN", `${where} is an event of the log ${logid as string}, and this is the log ${logId}.`);
  const stream = streamName(tenant as string, entity);
  const name = parseStreamName(stream);
  if (name === null) throw new RepriseError("ARCHIVE_DAMAGED", `${where} is not an event.`);
  return {
    ...{ id: id as string, type: type as string, schemaVersion: schemaversion as number, data: line.data! },
    ...{ source: form.source, occurredAt: form.occurredAt, metadata: form.metadata },
    ...{ stream, tenant: tenant as string, entity, revision: revision as number, position: BigInt(position as string), recordedAt: recordedtime as string },
  };
}

/** As far as the attributes tell it. */
function formOf(line: Line): Form {
  const metadata: { -readonly [M in keyof EventMetadata]: EventMetadata[M] } = { priority: line.priority as EventMetadata["priority"] };
  const texts = { correlationId: line.correlationid, causationId: line.causationid, traceparent: line.traceparent } as const;
  for (const [name, value] of Object.entries(texts)) if (typeof value === "string") Object.assign(metadata, { [name]: value });
  if (typeof line.callchain === "string") metadata.callChain = line.callchain.split(",");
  if (typeof line.contextrefs === "string")
    metadata.contextRefs = line.contextrefs.split(",").map((pair) => {
      const colon = pair.indexOf(":");
      return { kind: pair.slice(0, Math.max(0, colon)), ref: pair.slice(colon + 1) };
    });
  const others = Object.entries(line).filter(([name]) => !ours.has(name));
  if (others.length > 0) metadata.extensions = Object.fromEntries(others) as NonNullable<EventMetadata["extensions"]>;
  const occurredAt = line.time === line.recordedtime ? null : (line.time as string);
  return { source: line.source === noSource ? null : (line.source as string), occurredAt, metadata };
}

/** JSON writes null for a number that is none, or too large. Another program may have stored such a number on a server. */
function isJson(value: Json): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isJson);
}
