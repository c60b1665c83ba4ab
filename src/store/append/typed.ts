/** Appends whose data the compiler checks: the event type is named by its definition. */
import { currentVersion, type EventDefinition, type GivenData } from "../../catalog/define.ts";
import type { Entity, Json } from "../../event/event.ts";
import type { Append, AppendInputs } from "./append.ts";
import type { AppendOptions, EventInput } from "./event-input.ts";

/** What a caller may say of an event beside its type, entity and data. */
export type EventMembers = Omit<EventInput, "type" | "schemaVersion" | "entity" | "data">;

/** Of one typed event. */
export interface TypedAppendOptions extends EventMembers, Pick<AppendOptions, "tenant" | "expectedRevision"> {}

const memberNames = Object.keys({
  id: true,
  source: true,
  occurredAt: true,
  priority: true,
  correlationId: true,
  causationId: true,
  traceparent: true,
  callChain: true,
  contextRefs: true,
  extensions: true,
} satisfies Record<keyof EventMembers, true>);

/**
 * One event for a list of `append`, its data checked by the compiler.
 *
 * @param data of the current version. Fields of their own, missing ones and misspelt ones do not compile; an `interface` is taken.
 */
export function event<E extends EventDefinition>(definition: E, entity: Entity, data: NoInfer<GivenData<E>>, members: EventMembers = {}): EventInput {
  return { ...members, type: definition.type, schemaVersion: currentVersion(definition), entity, data: data as Json };
}

/** Makes the public `append` of one that takes events as they are. */
export function takeTyped(append: AppendInputs): Append {
  // Not async: it would put a promise more around each append that comes over HTTP.
  const either = (first: EventDefinition | Parameters<AppendInputs>[0], second?: Entity | AppendOptions, data?: unknown, given?: TypedAppendOptions) =>
    isDefinition(first) ? typed(first, second as Entity, data, given) : append(first, second as AppendOptions | undefined);

  async function typed(definition: EventDefinition, entity: Entity, data: unknown, given: TypedAppendOptions = {}) {
    const isMember = ([name]: readonly [string, unknown]): boolean => memberNames.includes(name);
    const all = Object.entries(given);
    // What is no member of the event is an option of the append, which refuses those that it does not know.
    const options = Object.fromEntries(all.filter((one) => !isMember(one)));
    return append(event(definition, entity, data, Object.fromEntries(all.filter(isMember))), options);
  }
  return either as Append;
}

function isDefinition(given: unknown): given is EventDefinition {
  return typeof given === "object" && given !== null && "schemas" in given && "type" in given;
}
