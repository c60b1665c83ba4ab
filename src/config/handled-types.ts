/** Which event types a function handler wants: those that `on` has a function for, which are all of `events` but those that `ignore` names. */
import type { HandlerDefinition } from "../delivery/handler.ts";
import { invalid, list, show } from "./refuse.ts";

export interface NamedType {
  readonly type: string;
  /** Where the config names it. */
  readonly place: string;
}

/** @throws CONFIG_INVALID when an event type is neither handled nor ignored, or both. */
export function handledTypes(definition: Extract<HandlerDefinition, { kind: "function" }>, field: string): readonly NamedType[] {
  const handled = Object.keys(definition.on);
  if (handled.length === 0)
    throw invalid(`${field}.on`, 'is empty: map at least one event type to a function, { "order.placed": async (event, context) => { … } }');
  const { events, ignore = [] } = definition;
  checkIgnored(ignore, { handled, listed: events?.map(({ type }) => type), field });
  const idle = (events ?? []).filter(({ type }) => !handled.includes(type) && !ignore.includes(type));
  if (idle.length > 0)
    throw invalid(
      `${field}.events`,
      `lists ${list(idle.map(({ type }) => type))}, for which \`on\` has no function, so that it would never be delivered: add it to \`on\`, name it in \`ignore\`, or take it off the list`,
    );
  return handled.map((type) => ({ type, place: `${field}.on[${show(type)}]` }));
}

interface About {
  readonly handled: readonly string[];
  readonly listed: readonly string[] | undefined;
  readonly field: string;
}

function checkIgnored(ignore: readonly string[], { handled, listed, field }: About): void {
  for (const [index, type] of ignore.entries()) {
    const place = `${field}.ignore[${index}]`;
    if (handled.includes(type)) throw invalid(place, `is ${show(type)}, for which \`on\` has a function: remove one of the two`);
    if (listed === undefined) throw invalid(place, `is ${show(type)}, but the handler has no list of \`events\`: it takes what \`on\` has a function for`);
    if (!listed.includes(type))
      throw invalid(place, `is ${show(type)}, which \`events\` does not list: correct the name, or remove it; listed are ${list(listed)}`);
    if (ignore.indexOf(type) !== index) throw invalid(place, `is ${show(type)}, which is ignored already: remove one of the two`);
  }
}
