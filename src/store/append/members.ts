/** The members of an event that somebody appends: names, texts, times and lists. The library checks them here, and HTTP checks the same under its own names. */
import { z } from "zod";
import { priorities } from "../../event/event.ts";
import { isUuid } from "../../event/ids.ts";
import { traceparentPattern } from "../../event/marks.ts";
import { entityIdPattern, entityTypePattern, eventTypePattern, isTenant, ownTenant } from "../../event/names.ts";

// Lengths are those that fit in a header and on a page.
const maxTextCharacters = 256;
const maxRefCharacters = 2048;
const maxListItems = 32;
const maxTimeCharacters = 40;
/** Two more than a producer of CloudEvents may send: Reprise adds the content type and the id that was given. */
const maxExtensions = 34;

const must = (what: string) => ({ error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? "Is missing." : `Must be ${what}.`) });
const matching = (pattern: RegExp, what: string) => z.string(must(what)).regex(pattern, must(what));

/** Text that fits on one line of a log or a header: no control characters, and no half of a surrogate pair, which would be stored as something else. */
const line = (maxCharacters: number) => {
  const what = `a text of 1 to ${maxCharacters} characters`;
  return z
    .string(must(what))
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, must(`${what}, without control characters`))
    .max(maxCharacters, must(what));
};

/** The length of a list is judged before its items: a body of 4 MiB has room for two million, and each would be told of. */
const list = <S extends z.ZodType>(item: S, min: number, what: string) =>
  z.array(z.unknown(), must(what)).min(min, must(what)).max(maxListItems, must(what)).pipe(z.array(item));

/** An object of these members and no others. */
export const members = <T extends z.core.$ZodShape>(shape: T) =>
  z.strictObject(shape, { error: (issue) => (issue.code === "invalid_type" ? must("an object").error(issue) : undefined) });

/** In any case: upper case is the same UUID (RFC 9562). */
export const uuid = z.string(must("a UUID")).refine(isUuid, must("a UUID")).toLowerCase();
export const eventType = matching(eventTypePattern, 'an event type: 1 to 128 letters, digits, "_", "." and "-", beginning with a letter');
export const schemaVersion = z.int(must("a whole number from 1")).min(1, must("a whole number from 1"));
export const entity = members({
  type: matching(entityTypePattern, 'an entity type: 1 to 64 lower-case letters, digits and "_", beginning with a letter'),
  id: matching(entityIdPattern, 'an entity id: 1 to 256 of A-Z a-z 0-9 . _ : @ ~ / # + = -, beginning with a letter, digit or "_", without ".."'),
});
export const priority = z.enum(priorities, must(`one of ${priorities.join(", ")}`));
/** An id or a name of the producer's. */
export const mark = line(maxTextCharacters);
const timeText = `an RFC 3339 time of at most ${maxTimeCharacters} characters with seconds and an offset, such as "2026-07-01T12:00:00Z"`;
export const time = z.string(must(timeText)).max(maxTimeCharacters, must(timeText)).refine(isTime, must(timeText));
export const traceparent = matching(traceparentPattern, "a W3C traceparent, 00-<32 hex>-<16 hex>-<2 hex>");
const agent = line(maxTextCharacters).regex(/^[^,]*$/, { error: "Must have no comma: webhooks get the chain as one text, joined by commas." });
export const callChain = list(agent, 1, `a list of 1 to ${maxListItems} agent ids`);
const contextRef = members({ kind: line(64), ref: line(maxRefCharacters) });
export const contextRefs = list(contextRef, 0, `a list of at most ${maxListItems} { kind, ref }`);
/** Attributes of CloudEvents that Reprise does not know. */
export const extensions = z
  .record(z.string(), z.union([line(maxRefCharacters), z.number(), z.boolean()], must("a text, a number or a boolean")), must("an object"))
  .refine((given) => Object.keys(given).length <= maxExtensions && Object.keys(given).every((name) => /^[a-z0-9]{1,64}$/.test(name)), {
    error: `Must have at most ${maxExtensions} members, named with lower-case letters and digits as CloudEvents attributes are.`,
  });

const tenantText = `a tenant: 1 to 64 lower-case letters, digits and "_", beginning with a letter, and not "${ownTenant}", whose streams are Reprise's own`;
export const tenant = z.string(must(tenantText)).refine(isTenant, must(tenantText));
export const expectedRevision = z.union([z.int().min(0), z.enum(["none", "any"])], must('a revision from 0, "none" or "any"'));

const calendarTime = z.iso.datetime({ offset: true });

/** A time of a real day, whose year still has four digits in UTC. */
function isTime(text: string): boolean {
  return calendarTime.safeParse(text).success && /^\d{4}-/.test(new Date(text).toISOString());
}
