/**
 * One structured CloudEvent 1.0 as an event. `subject` is `<entity type>/<entity id>`; `schemaversion`, `priority`, `correlationid`,
 * `causationid`, `traceparent`, `callchain` (agent ids joined by commas) and `contextrefs` (`kind:ref` joined by commas, a comma within a
 * ref written `%2C`) are Reprise's; every other attribute is kept as an extension and sent on. An `id` that is no UUID becomes UUIDv5
 * of source and id, and is kept as the extension `originalid`.
 */
import { z } from "zod";
import { idFromCloudEvent, isUuid } from "../../event/ids.ts";
import type { EventInput } from "../../store.ts";
import { invalid, parse } from "../parse.ts";
import { defined } from "./from-wire.ts";
import { callChain, contextRefs, data, entity, eventType, priority, schemaVersion, text, time } from "./requests.ts";

const maxExtensions = 32;
/** CloudEvents: lower-case letters and digits; integers are 32 bit. */
const attributeName = /^[a-z0-9]{1,64}$/;
const attributeValue = z.union([text(2048), z.boolean(), z.int32()], "must be text, a boolean or a 32-bit integer");

const list = text(16_384).transform((joined) => joined.split(","));
const cloudEvent = z
  .object({
    specversion: z.literal("1.0", "must be 1.0"),
    id: text(2048),
    source: text(),
    type: eventType,
    subject: text()
      .transform((subject) => {
        const slash = subject.indexOf("/");
        return { type: subject.slice(0, Math.max(0, slash)), id: subject.slice(slash + 1) };
      })
      .refine((subject) => entity.safeParse(subject).success, "must be <entity type>/<entity id>"),
    time: time.optional(),
    datacontenttype: text()
      .regex(/^application\/(?:[\w.-]+\+)?json\s*(?:;.*)?$/i, "must be application/json")
      .optional(),
    data,
    schemaversion: z.union([schemaVersion, z.string().regex(/^\d+$/).transform(Number).pipe(schemaVersion)], "must be a whole number from 1").optional(),
    priority: priority.optional(),
    correlationid: text().optional(),
    causationid: text().optional(),
    traceparent: text().optional(),
    callchain: list.pipe(callChain).optional(),
    contextrefs: list
      .transform((refs) =>
        refs.map((text) => {
          const colon = text.indexOf(":");
          return { kind: text.slice(0, Math.max(0, colon)), ref: text.slice(colon + 1).replace(/%2C/gi, ",") };
        }),
      )
      .pipe(contextRefs)
      .optional(),
  })
  .catchall(attributeValue);

/** @throws REQUEST_INVALID */
export function fromCloudEvent(body: unknown): EventInput {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("The body is not one CloudEvent.");
  // The JSON format lets producers write an attribute that is not set as null; null as `data` is a payload.
  const set = Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== null || name === "data"));
  const names = Object.keys(set).filter((name) => !attributeName.test(name) || name === "data_base64");
  if (names.length > 0)
    throw invalid("The CloudEvent has members that cannot be kept.", ...names.map((name) => ({ pointer: `#/${name}`, detail: refusal(name) })));
  const {
    specversion: _specversion,
    id,
    source,
    type,
    subject,
    time,
    datacontenttype: _datacontenttype,
    data: payload,
    schemaversion,
    priority: urgency,
    correlationid,
    causationid,
    traceparent,
    callchain,
    contextrefs,
    ...unknown
  } = parse(cloudEvent, set);
  const extensions: Record<string, string | number | boolean> = isUuid(id) ? unknown : { ...unknown, originalid: id };
  if (Object.keys(extensions).length > maxExtensions) throw invalid(`The CloudEvent has more than ${maxExtensions} attributes that Reprise does not know.`);
  return defined({
    id: isUuid(id) ? id : idFromCloudEvent(source, id),
    type,
    schemaVersion: schemaversion,
    entity: subject,
    data: payload,
    source,
    occurredAt: time,
    priority: urgency,
    correlationId: correlationid,
    causationId: causationid,
    traceparent,
    callChain: callchain,
    contextRefs: contextrefs,
    extensions: Object.keys(extensions).length === 0 ? undefined : extensions,
  });
}

function refusal(name: string): string {
  return name === "data_base64" ? "is not JSON: send `data`" : "attribute names are lower-case letters and digits";
}
