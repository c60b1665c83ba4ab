/** The filters of a list: they stand in the address, so that they can be sent on. */
import { useEffect, useId, useState } from "preact/hooks";
import type { Named } from "../base/names.ts";
import { changeQuery, place } from "../base/place.ts";
import { words } from "../base/shown-text.ts";
import { instantOf, localOf, NameField } from "./name-field.tsx";
import { Text } from "./text.tsx";

export interface Filter {
  readonly name: string;
  readonly label: string;
  readonly options?: readonly string[];
  readonly named?: Named;
  /** A moment: typed in local time. */
  readonly isTime?: boolean;
  /** It is set by links only, and shown when it is. */
  readonly isLinked?: boolean;
}

/** So many stand there at once; the others are folded. */
const maxShown = 4;

type Values = Readonly<Record<string, string>>;

export function Filters({ of }: { readonly of: readonly Filter[] }) {
  const set = filtersIn(of.map(({ name }) => name));
  /** What is typed, until it is asked for. */
  const [draft, setDraft] = useState<Values>(set);
  useEffect(() => setDraft(set), [JSON.stringify(set)]);
  const apply = (values: Values): void => {
    changeQuery(Object.fromEntries(of.map(({ name }) => [name, values[name]?.trim() || undefined])));
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    apply(draft);
  };
  const field = (filter: Filter) => {
    const { name, options } = filter;
    const value = draft[name] ?? "";
    if (options !== undefined) return <Choice key={name} {...{ filter, value }} change={(next) => apply({ ...draft, [name]: next })} />;
    return <Field key={name} {...{ filter, value }} change={(next) => setDraft({ ...draft, [name]: next })} />;
  };
  const shown = of.filter(({ isLinked }) => isLinked !== true);
  const first = shown.length > maxShown + 1 ? maxShown : shown.length;
  const rest = shown.slice(first);
  const [isOpen] = useState(() => rest.some(({ name }) => set[name] !== undefined));
  return (
    <search>
      <form class="filters" onSubmit={submit}>
        {shown.slice(0, first).map(field)}
        <span class="buttons">
          <button type="submit">Filter</button>
          {Object.keys(set).length > 0 && (
            <button type="button" class="quiet" onClick={() => apply({})}>
              Clear
            </button>
          )}
        </span>
        {rest.length > 0 && (
          <details open={isOpen}>
            <summary>More filters</summary>
            <div class="filters">{rest.map(field)}</div>
          </details>
        )}
      </form>
      {of.map(
        ({ name, label, isLinked }) =>
          isLinked &&
          set[name] !== undefined && (
            <p key={name} class="chip">
              {label}: <Text of={set[name]} max={80} />{" "}
              <button type="button" class="quiet small" aria-label={`Without ${label.toLowerCase()}`} onClick={() => apply({ ...set, [name]: "" })}>
                ×
              </button>
            </p>
          ),
      )}
    </search>
  );
}

interface FieldProps {
  readonly filter: Filter;
  readonly value: string;
  readonly change: (value: string) => void;
}

function Field({ filter: { label, named, isTime = false }, value, change }: FieldProps) {
  if (!isTime) return <NameField {...{ label, named, value, change }} />;
  return <NameField {...{ label, type: "datetime-local" }} value={localOf(value)} change={(local) => change(local === "" ? "" : instantOf(local))} />;
}

function Choice({ filter: { label, options = [] }, value, change }: FieldProps) {
  const id = useId();
  return (
    <label for={id}>
      {label}
      <select id={id} value={value} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">any</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {words(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Those of the filters that are set. */
export function filtersIn(names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(place.value.query).filter(([name]) => names.includes(name)));
}
