/**
 * One CloudEvent 1.0 as an event. `subject` is `<entity type>/<entity id>`; `schemaversion`, `priority`, `correlationid`,
 * `causationid`, `traceparent`, `callchain` (agent ids joined by commas) and `contextrefs` (`kind:ref` joined by commas, a comma within a
 * ref written `%2C`) are Reprise's; every other attribute is kept as an extension and sent on, and so is a `datacontenttype` other than
 * `application/json`. An `id` that is no UUID, or that another source has used, becomes UUIDv5 of source and id; what was sent is kept as
 * the extension `originalid` (`originalid2` … where the producer has one of that name).
 */
import { z } from "zod";
import { below, maxPlaces } from "../../catalog/places.ts";
import { jsonContentType } from "../../delivery/attempt/cloud-event.ts";
import { idFromCloudEvent, isUuid } from "../../event/ids.ts";
import type { EventInput } from "../../store/append/event-input.ts";
import { callChain, contextRefs, entity, eventType, mark, priority, schemaVersion, time, traceparent } from "../../store/append/members.ts";
import { invalid, mustBeNarrow, parse } from "../parse.ts";
import { defined } from "./defined.ts";
import { givenData, text } from "./members.ts";

const maxExtensions = 32;
/** CloudEvents: lower-case letters and digits; integers are 32 bit. */
const attributeName = /^[a-z0-9]{1,64}$/;
const attributeValue = z.union([text(2048), z.boolean(), z.int32()], "must be text, a boolean or a 32-bit integer");

/** Of the type, the slash and the id. */
const maxSubjectCharacters = 64 + 1 + 256;
const subjectMessage = "must be <entity type>/<entity id>: what the event is about, as in order/1042";

const list = text(16_384).transform((joined): readonly unknown[] => joined.split(","));
const cloudEvent = z
  .object({
    specversion: z.literal("1.0", "must be 1.0"),
    id: text(2048),
    source: mark,
    type: eventType,
    subject: z
      .string(subjectMessage)
      .max(maxSubjectCharacters, subjectMessage)
      .transform((subject) => {
        const slash = subject.indexOf("/");
        return { type: subject.slice(0, Math.max(0, slash)), id: subject.slice(slash + 1) };
      })
      .refine((subject) => entity.safeParse(subject).success, subjectMessage),
    time: time.optional(),
    datacontenttype: text().regex(jsonContentType, "must be application/json, or application/<name>+json").optional(),
    data: givenData,
    schemaversion: z.union([schemaVersion, z.string().regex(/^\d+$/).transform(Number).pipe(schemaVersion)], "must be a whole number from 1").optional(),
    priority: priority.optional(),
    correlationid: mark.optional(),
    causationid: mark.optional(),
    traceparent: traceparent.optional(),
    callchain: list.pipe(callChain).optional(),
    contextrefs: list
      .transform((refs): readonly unknown[] =>
        (refs as readonly string[]).map((text) => {
          const colon = text.indexOf(":");
          return { kind: text.slice(0, Math.max(0, colon)), ref: text.slice(colon + 1).replace(/%2C/gi, ",") };
        }),
      )
      .pipe(contextRefs)
      .optional(),
  })
  .catchall(attributeValue);

const orNull = (member: z.ZodType): z.ZodType => (member instanceof z.ZodOptional ? member.nullable() : member);

/** As it is sent: the JSON format lets producers write an attribute that is not set as null. */
export const cloudEventBody = z
  .object(Object.fromEntries(Object.entries<z.ZodType>(cloudEvent.shape).map(([name, member]) => [name, orNull(member)])))
  .catchall(attributeValue.nullable());

/** What a CloudEvent becomes. */
export interface FromCloudEvent {
  readonly event: EventInput;
  /** What to append in its place when another source has used its id. */
  readonly perSource: EventInput | undefined;
}

/** @param place names a place in the event, `/source`, as the request has it: `#/source`. @throws REQUEST_INVALID */
export function fromCloudEvent(body: unknown, place: (path: string) => string = (path) => `#${path}`): FromCloudEvent {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw invalid("What was sent is not one CloudEvent.", [{ pointer: place(""), detail: "must be an object" }]);
  mustBeNarrow(body, "", place);
  // Null as `data` is a payload.
  const set = Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== null || name === "data"));
  const names = Object.keys(set).filter((name) => !attributeName.test(name) || name === "data_base64");
  if (names.length > 0)
    throw invalid(
      "The CloudEvent has members that cannot be kept.",
      names.slice(0, maxPlaces).map((name) => ({ pointer: place(below("", name)), detail: refusal(name) })),
    );
  const {
    specversion: _specversion,
    id,
    source,
    type,
    subject,
    time,
    datacontenttype,
    data: payload,
    schemaversion,
    priority: urgency,
    correlationid,
    causationid,
    traceparent,
    callchain,
    contextrefs,
    ...unknown
  } = parse(cloudEvent, set, place);
  if (Object.keys(unknown).length > maxExtensions)
    throw invalid(`The CloudEvent has more than ${maxExtensions} attributes that Reprise does not know.`, [
      { pointer: place(""), detail: `has more than ${maxExtensions} attributes of its own` },
    ]);
  const contentType = datacontenttype === undefined || datacontenttype === "application/json" ? {} : { datacontenttype };
  const extensions = { ...unknown, ...contentType };
  const derived = { id: idFromCloudEvent(source, id), extensions: { ...extensions, [freeName(unknown)]: id } };
  const event: EventInput = defined({
    id,
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
  return isUuid(id) ? { event, perSource: { ...event, ...derived } } : { event: { ...event, ...derived }, perSource: undefined };
}

/** Of the extension that keeps the id that was sent. */
function freeName(taken: object): string {
  const name = "originalid";
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}${number}`;
    if (!Object.hasOwn(taken, numbered)) return numbered;
  }
}

function refusal(name: string): string {
  return name === "data_base64" ? "is for what is not JSON: send JSON, as `data`" : "attribute names are lower-case letters and digits";
}
