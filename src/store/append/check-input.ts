/** Checks what can be said of an append without the catalog and the log. */
import { z } from "zod";
import { below, check, maxPlaces } from "../../catalog/places.ts";
import { type ErrorPlace, RepriseError } from "../../errors.ts";
import { JsonWalk } from "../../event/json-data.ts";
import type { Turns } from "../../event/turns.ts";
import { maxAppendBytes, maxAppendEvents } from "../../log/event-log.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";
import { callChain, contextRefs, entity, eventType, expectedRevision, extensions, mark, members, priority, schemaVersion, tenant, time, traceparent, uuid } from "./members.ts"; // biome-ignore format: one line
import type { Places } from "./places.ts";

const inputShape = members({
  id: uuid.optional(),
  type: eventType,
  schemaVersion: schemaVersion.optional(),
  entity,
  data: z.unknown().optional(), // walked by `JsonWalk`, then judged by the catalog
  source: mark.optional(),
  occurredAt: time.optional(),
  priority: priority.optional(),
  correlationId: mark.optional(),
  causationId: mark.optional(),
  traceparent: traceparent.optional(),
  callChain: callChain.optional(),
  contextRefs: contextRefs.optional(),
  extensions: extensions.optional(),
} satisfies Record<keyof EventInput, z.ZodType>);

const optionsShape = members({
  tenant: tenant.optional(),
  expectedRevision: expectedRevision.optional(),
  pointer: z.unknown().optional(),
  place: z.unknown().optional(),
  perSource: z.unknown().optional(),
  once: z.unknown().optional(),
} satisfies Record<keyof AppendOptions, z.ZodType>);

/** Data of so few bytes is not measured: a thousand such events fit into one append. */
export const smallBytes = maxAppendBytes / 1000;
/** Values looked at before others may have their turn: about 1 ms. */
const lookValues = 10_000;

/**
 * Checks names, texts, times and lists, and that the data is JSON.
 *
 * @returns the bytes that the data of each event takes at least, by that data; small ones are left out.
 * @throws REQUEST_INVALID, then NUMBER_UNSAFE, each with all its places up to 100.
 */
export async function checkInput(inputs: readonly EventInput[], options: AppendOptions, places: Places, turns: Turns): Promise<ReadonlyMap<unknown, number>> {
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
      const walk = new JsonWalk(input.data, ({ path, detail, isNumber }) => {
        const found = isNumber ? unsafe : errors;
        if (found.length < maxPlaces) found.push({ pointer: places.event(index, below("/data", ...path)), detail });
      });
      while (!walk.look(lookValues)) if (turns.due()) await turns.next();
      if (walk.bytes > smallBytes) bytes.set(input.data, walk.bytes);
    }
    if (errors.length >= maxPlaces) break;
  }
  if (errors.length === 0) for (const place of mustBeOneEntity(inputs, options, places)) errors.push(place);
  if (errors.length > 0) throw refuse(errors);
  if (unsafe.length > 0) throw new RepriseError("NUMBER_UNSAFE", "The data holds numbers that JSON would not keep exactly.", { errors: unsafe });
  return bytes;
}

/** The same of what the edge has judged: what is left. @throws REQUEST_INVALID */
export function checkJudged(inputs: readonly EventInput[], options: AppendOptions, places: Places): ReadonlyMap<unknown, number> {
  const errors = mustBeOneEntity(inputs, options, places);
  if (errors.length > 0) throw refuse(errors);
  return allSmall;
}

const allSmall: ReadonlyMap<unknown, number> = new Map();

/** The fault of events that are of several entities although a revision is expected. */
function mustBeOneEntity(inputs: readonly EventInput[], { expectedRevision: expected = "any" }: AppendOptions, places: Places): readonly ErrorPlace[] {
  if (expected === "any") return [];
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
