import { z } from "zod";
import { below, check, maxPlaces } from "../../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../../errors.ts";
import { priorities } from "../../event/event.ts";
import { isUuid } from "../../event/ids.ts";
import { entityIdPattern, entityTypePattern, eventTypePattern, ownTenant, tenantPattern } from "../../event/names.ts";
import type { Turns } from "../../event/turns.ts";
import { maxAppendBytes, maxAppendEvents } from "../../log/event-log.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";

/** Names places of an append in errors. */
export interface Places {
  /** @param path a JSON pointer from event `index` on, with the members' names of `EventInput`. */
  readonly event: (index: number, path: string) => string;
  /** @param path a JSON pointer to one of `AppendOptions`. */
  readonly option: (path: string) => string;
}

/** Without `pointer` places are those of the call's arguments; an edge that names them itself has its members in snake_case. */
export function makePlaces(pointer: AppendOptions["pointer"], single: boolean): Places {
  if (pointer !== undefined) return { event: (index, path) => pointer(index) + onTheWire(path), option: (path) => `#${onTheWire(path)}` };
  return { event: (index, path) => (single ? `#${path}` : `#/events/${index}${path}`), option: (path) => `#${path}` };
}

/**
 * Checks what can be said of an append without the catalog and the log: names, texts, times, and that its data is JSON.
 *
 * @returns the bytes that the data of each event takes at least, by that data; nothing of small ones.
 * @throws REQUEST_INVALID, then NUMBER_UNSAFE, each with all its places up to 100.
 */
export async function checkAppendShape(
  inputs: readonly EventInput[],
  options: AppendOptions,
  places: Places,
  turns: Turns,
): Promise<ReadonlyMap<unknown, number>> {
  if (inputs.length < 1 || inputs.length > maxAppendEvents)
    throw refuse([{ pointer: "#/events", detail: `Must have 1 to ${maxAppendEvents} events, not ${inputs.length}.` }]);
  const errors: ErrorPlace[] = [];
  const unsafe: ErrorPlace[] = [];
  const bytes = new Map<unknown, number>();
  const checkedOptions = check(optionsShape, options, "");
  if ("places" in checkedOptions) for (const { pointer, detail } of checkedOptions.places) errors.push({ pointer: places.option(pointer), detail });
  for (const [index, input] of inputs.entries()) {
    if (turns.due()) await turns.next();
    const checked = check(inputShape, input, "");
    if ("places" in checked) for (const { pointer, detail } of checked.places) errors.push({ pointer: places.event(index, pointer), detail });
    else {
      const inspection = new Inspection(input.data, (detail, path) => {
        const kind = detail === unsafeNumber ? unsafe : errors;
        if (kind.length < maxPlaces) kind.push({ pointer: places.event(index, below("/data", ...path)), detail });
      });
      while (!inspection.look(lookValues)) if (turns.due()) await turns.next();
      if (inspection.bytes > smallBytes) bytes.set(input.data, inspection.bytes);
    }
    if (errors.length >= maxPlaces) break;
  }
  if (errors.length === 0 && (options.expectedRevision ?? "any") !== "any") for (const place of severalEntities(inputs, places)) errors.push(place);
  if (errors.length > 0) throw refuse(errors);
  if (unsafe.length > 0) throw new RepriseError("NUMBER_UNSAFE", "The data holds numbers that JSON would not keep exactly.", { errors: unsafe });
  return bytes;
}

function severalEntities(inputs: readonly EventInput[], places: Places): readonly ErrorPlace[] {
  const first = inputs[0]!.entity;
  const other = inputs.findIndex(({ entity }) => entity.type !== first.type || entity.id !== first.id);
  return other === -1
    ? []
    : [{ pointer: places.event(other, "/entity"), detail: "Must be the entity of the first event: an expected revision is that of one entity." }];
}

function refuse(errors: readonly ErrorPlace[]): RepriseError {
  const { pointer, detail } = errors[0]!;
  const more = errors.length - 1;
  return new RepriseError("REQUEST_INVALID", `The request is not valid at ${pointer}: ${detail}${more > 0 ? ` And ${more} more.` : ""}`, { errors });
}

// The shape. Lengths are those that fit in a header and on a page; names are DESIGN.md's.

const maxTextLength = 256;
const maxRefLength = 2048;
const maxListLength = 32;
/** Two more than a producer may send: the content type and the id that it gave. */
const maxExtensions = 34;

const required = (what: string) => ({ error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? "Is missing." : `Must be ${what}.`) });
/** Text that fits on one line of a log or a header: no control characters, no half of a surrogate pair. */
const line = (maxLength: number) =>
  z
    .string(required(`a text of 1 to ${maxLength} characters`))
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, required(`a text of 1 to ${maxLength} characters, without control characters`))
    .max(maxLength, required(`a text of 1 to ${maxLength} characters`));
const matching = (pattern: RegExp, what: string) => z.string(required(what)).regex(pattern, required(what));
const members = <T extends z.core.$ZodShape>(shape: T) =>
  z.strictObject(shape, { error: (issue) => (issue.code === "invalid_type" ? required("an object").error(issue) : undefined) });

const agent = line(maxTextLength).regex(/^[^,]*$/, { error: "Must have no comma: webhooks get the chain as one text, joined by commas." });
const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const timeText = 'an RFC 3339 time with seconds and an offset, such as "2026-07-01T12:00:00Z"';

const inputShape = members({
  id: z.string(required("a UUID")).refine(isUuid, required("a UUID")).optional(),
  type: matching(eventTypePattern, 'an event type: 1 to 128 letters, digits, "_", "." and "-", beginning with a letter'),
  schemaVersion: z.int(required("a whole number from 1")).min(1, required("a whole number from 1")).optional(),
  entity: members({
    type: matching(entityTypePattern, 'an entity type: 1 to 64 lower-case letters, digits and "_", beginning with a letter'),
    id: matching(entityIdPattern, 'an entity id: 1 to 256 of A-Z a-z 0-9 . _ : @ ~ / # + = -, beginning with a letter, digit or "_", without ".."'),
  }),
  data: z.unknown().optional(), // walked by `inspect`, then judged by the catalog
  source: line(maxTextLength).optional(),
  occurredAt: z.string(required(timeText)).max(40, required(timeText)).refine(isTime, required(timeText)).optional(),
  priority: z.enum(priorities, required(`one of ${priorities.join(", ")}`)).optional(),
  correlationId: line(maxTextLength).optional(),
  causationId: line(maxTextLength).optional(),
  traceparent: matching(traceparent, "a W3C traceparent, 00-<32 hex>-<16 hex>-<2 hex>").optional(),
  callChain: z
    .array(agent, required("a list of agent ids"))
    .min(1, required("a list of 1 to 32 agent ids"))
    .max(maxListLength, required("a list of 1 to 32 agent ids"))
    .optional(),
  contextRefs: z
    .array(members({ kind: line(64), ref: line(maxRefLength) }), required("a list of { kind, ref }"))
    .max(maxListLength, required("a list of at most 32 { kind, ref }"))
    .optional(),
  extensions: z
    .record(z.string(), z.union([line(maxRefLength), z.number(), z.boolean()], required("a text, a number or a boolean")), required("an object"))
    .refine((extensions) => Object.keys(extensions).length <= maxExtensions && Object.keys(extensions).every((name) => /^[a-z0-9]{1,64}$/.test(name)), {
      error: "Must have at most 34 members, named with lower-case letters and digits as CloudEvents attributes are.",
    })
    .optional(),
} satisfies Record<keyof EventInput, z.ZodType>);

const optionsShape = members({
  tenant: matching(tenantPattern, 'a tenant: 1 to 64 lower-case letters, digits and "_", beginning with a letter')
    .refine((tenant) => tenant !== ownTenant, { error: `Must not be "${ownTenant}": its streams are Reprise's own.` })
    .optional(),
  expectedRevision: z.union([z.int().min(0), z.enum(["none", "any"])], required('a revision from 0, "none" or "any"')).optional(),
  pointer: z.unknown().optional(),
  perSource: z.unknown().optional(),
} satisfies Record<keyof AppendOptions, z.ZodType>);

const maxDepth = 128;
const unsafeNumber = "Must be a finite number, and as an integer within ±(2^53−1).";

/** Of so few bytes a thousand events fit into an append. */
const smallBytes = maxAppendBytes / 1000;
/** Values looked at before others may have their turn: about 1 ms. */
const lookValues = 10_000;

/** A list or an object that is open, and which of its members comes next. */
interface Open {
  readonly value: object;
  /** Null for a list. */
  readonly keys: readonly string[] | null;
  readonly count: number;
  next: number;
}

/** Finds everything in a value that a log cannot keep exactly as it is. In parts: 4 MiB may be a million lists. */
class Inspection {
  /** UTF-8 bytes that it takes as JSON, at least. */
  bytes = 0;
  readonly #open: Open[] = [];
  readonly #note: (problem: string, path: readonly PropertyKey[]) => void;

  constructor(value: unknown, note: (problem: string, path: readonly PropertyKey[]) => void) {
    this.#note = note;
    this.#see(value);
  }

  /** @returns whether all of it has been seen. */
  look(values: number): boolean {
    const open = this.#open;
    for (let left = values; left > 0; left--) {
      const inner = open.at(-1);
      if (inner === undefined) return true;
      if (inner.next === inner.count) {
        open.pop();
        continue;
      }
      const key = inner.keys?.[inner.next] ?? inner.next;
      inner.next++;
      if (typeof key === "string") this.bytes += key.length + 3;
      // Either key changes what an object is, as soon as some code copies it member by member.
      if (key === "__proto__" || key === "constructor") this.#note("This key is refused.", this.#path());
      else this.#see((inner.value as Readonly<Record<PropertyKey, unknown>>)[key]);
    }
    return open.length === 0;
  }

  #see(value: unknown): void {
    // Its commas are counted with it.
    this.bytes += typeof value === "string" ? value.length + 3 : 2;
    if (typeof value !== "object" || value === null) {
      const problem = problemOf(value, this.#open.length === 0);
      if (problem !== null) this.#note(problem, this.#path());
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (this.#open.length >= maxDepth) this.#note(`Must not be nested more than ${maxDepth} levels deep.`, this.#path());
    else if (Array.isArray(value)) this.#open.push({ value, keys: null, count: value.length, next: 0 });
    else if (prototype !== Object.prototype && prototype !== null)
      this.#note("Must be JSON: a plain object or a list, not an instance of a class.", this.#path());
    else {
      const keys = Object.keys(value);
      this.#open.push({ value, keys, count: keys.length, next: 0 });
    }
  }

  /** Of what is looked at now. */
  #path(): readonly PropertyKey[] {
    return this.#open.map(({ keys, next }) => keys?.[next - 1] ?? next - 1);
  }
}

function problemOf(value: unknown, whole: boolean): string | null {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "object": // null
      return null;
    case "number":
      return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)) ? unsafeNumber : null;
    case "undefined":
      return whole ? "Is missing." : "Must not be undefined: leave the member out, or send null.";
    default:
      return `Must be JSON, not a ${typeof value}.`;
  }
}

const calendarTime = z.iso.datetime({ offset: true });

/** A time of a real day, whose year still has four digits in UTC. */
function isTime(text: string): boolean {
  return calendarTime.safeParse(text).success && /^\d{4}-/.test(new Date(text).toISOString());
}

const wireNames = new Map([
  ["schemaVersion", "schema_version"],
  ["occurredAt", "occurred_at"],
  ["correlationId", "correlation_id"],
  ["causationId", "causation_id"],
  ["callChain", "call_chain"],
  ["contextRefs", "context_refs"],
  ["expectedRevision", "expected_revision"],
]);

function onTheWire(path: string): string {
  const end = path.indexOf("/", 1);
  const wireName = wireNames.get(end === -1 ? path.slice(1) : path.slice(1, end));
  return wireName === undefined ? path : `/${wireName}${end === -1 ? "" : path.slice(end)}`;
}
