/** What was typed to choose what is replayed, as the service asks for it. */
import type { Named } from "../base/names.ts";
import { letterFilters } from "./letter-filters.ts";
import type { Selection } from "./plan-button.tsx";

export const kinds = {
  group: "The dead letters of one error",
  dead_letters: "Dead letters that a filter matches",
  ids: "Some events or deliveries, by id",
  history: "What a handler was given before",
} as const;
export type Kind = keyof typeof kinds;
export type Values = Readonly<Record<string, string>>;

interface Field {
  readonly name: string;
  readonly label: string;
  readonly named?: Named | undefined;
  readonly isTime?: boolean | undefined;
  readonly hint?: string;
}

export const letterFields: readonly Field[] = letterFilters.filter(({ isLinked }) => isLinked !== true);

export const historyFields: readonly Field[] = [
  { name: "handler", label: "Handler", named: "handlers" },
  { name: "event_types", label: "Event types", hint: "all, or some with commas" },
  { name: "entity_type", label: "Entity type" },
  { name: "entity_id", label: "Entity id" },
  { name: "since", label: "Recorded since", isTime: true },
  { name: "until", label: "Recorded before", isTime: true },
];

/** Null while nothing is chosen. */
export function selectionOf(kind: Kind, values: Values): Selection | null {
  const set = (fields: readonly Field[]): Values =>
    Object.fromEntries(fields.flatMap(({ name }) => (values[name]?.trim() ? [[name, values[name].trim()]] : [])));
  if (kind === "group") {
    const [fingerprint, ...handler] = (values.group ?? "").split(" ");
    return fingerprint ? { dead_letters: { error_group: fingerprint, handler: handler.join(" ") } } : null;
  }
  if (kind === "ids") {
    const ids = partsOf(values.ids, /[\s,]+/);
    return ids.length === 0 ? null : { ids };
  }
  if (kind === "dead_letters") {
    const filter = set(letterFields);
    return Object.keys(filter).length === 0 ? null : { dead_letters: filter };
  }
  const { event_types: types, entity_type: type, entity_id: id, ...rest } = set(historyFields);
  if (rest.handler === undefined) return null;
  const listed = partsOf(types, /\s*,\s*/);
  return { history: { ...rest, ...(listed.length === 0 ? {} : { event_types: listed }), ...(type && id ? { entity: { type, id } } : {}) } };
}

function partsOf(text: string | undefined, between: RegExp): readonly string[] {
  return (text ?? "")
    .trim()
    .split(between)
    .filter((part) => part !== "");
}
