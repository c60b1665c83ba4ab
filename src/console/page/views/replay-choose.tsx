/** The first step to a replay: what shall be delivered again. */
import { useSignal } from "@preact/signals";
import { place } from "../base/place.ts";
import { letterFilters } from "./dead-letters.tsx";
import { PlanButton, type Selection } from "./plan-button.tsx";

const kinds = {
  dead_letters: "Dead letters that a filter matches",
  ids: "Some events or deliveries, by id",
  history: "What a handler was given before",
} as const;
type Kind = keyof typeof kinds;

const historyFields = [
  { name: "handler", label: "Handler" },
  { name: "event_types", label: "Event types, separated by commas" },
  { name: "entity_type", label: "Entity type" },
  { name: "entity_id", label: "Entity id" },
  { name: "since", label: "Recorded since (2026-01-31T12:00:00Z)" },
  { name: "until", label: "Recorded before" },
] as const;

type Values = Readonly<Record<string, string>>;

export function ReplayChoose() {
  const { kind: asked, ...given } = place.value.query;
  const kind = useSignal<Kind>(asked !== undefined && Object.hasOwn(kinds, asked) ? (asked as Kind) : "dead_letters");
  const values = useSignal<Values>(given);
  const selection = selectionOf(kind.value, values.value);
  const field = (name: string, label: string) => (
    <label key={name}>
      {label}
      <input value={values.value[name] ?? ""} autocomplete="off" spellcheck={false} onInput={(event) => set(name, event.currentTarget.value)} />
    </label>
  );
  const set = (name: string, value: string): void => void (values.value = { ...values.value, [name]: value });
  return (
    <>
      <h1 tabIndex={-1}>A new replay: choose</h1>
      <Stations at={0} />
      <fieldset>
        <legend>What shall be delivered again?</legend>
        {(Object.keys(kinds) as Kind[]).map((each) => (
          <label key={each} class="choice">
            <input type="radio" name="kind" checked={kind.value === each} onChange={() => (kind.value = each)} /> {kinds[each]}
          </label>
        ))}
      </fieldset>
      <div class="fields">
        {kind.value === "dead_letters" && letterFilters.map(({ name, label }) => field(name, label))}
        {kind.value === "history" && historyFields.map(({ name, label }) => field(name, label))}
        {kind.value === "ids" && (
          <label>
            Ids, one a line
            <textarea rows={6} spellcheck={false} value={values.value.ids ?? ""} onInput={(event) => set("ids", event.currentTarget.value)} />
          </label>
        )}
        {field("target_handler", "To another handler (optional)")}
      </div>
      <p>A plan changes nothing: it freezes the selection and says what would happen.</p>
      <PlanButton name="Plan" selection={selection ?? { ids: [] }} targetHandler={values.value.target_handler?.trim()} isReady={selection !== null} isMain />
    </>
  );
}

/** The way of a replay, and where on it one is. */
export function Stations({ at }: { readonly at: number }) {
  return (
    <ol class="stations" aria-label="Steps of a replay">
      {["Choose", "Plan", "Run", "Report"].map((name, index) => (
        <li key={name} aria-current={index === at ? "step" : undefined}>
          {name}
        </li>
      ))}
    </ol>
  );
}

/** Null while nothing is chosen. */
function selectionOf(kind: Kind, values: Values): Selection | null {
  const set = (names: readonly string[]) => Object.fromEntries(names.flatMap((name) => (values[name]?.trim() ? [[name, values[name].trim()]] : [])));
  if (kind === "ids") {
    const ids = (values.ids ?? "").split(/[\s,]+/).filter((id) => id !== "");
    return ids.length === 0 ? null : { ids };
  }
  if (kind === "dead_letters") {
    const filter = set(letterFilters.map(({ name }) => name));
    return Object.keys(filter).length === 0 ? null : { dead_letters: filter };
  }
  const { event_types: types, entity_type: type, entity_id: id, ...rest } = set(historyFields.map(({ name }) => name)) as Values;
  if (rest.handler === undefined) return null;
  const listed = types
    ?.split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  return { history: { ...rest, ...(listed === undefined ? {} : { event_types: listed }), ...(type && id ? { entity: { type, id } } : {}) } };
}
