/** The filters of a list: they stand in the address, so that they can be sent on. */
import { useEffect, useId, useState } from "preact/hooks";
import { changeQuery, place } from "../base/place.ts";
import { words } from "../base/shown-text.ts";

export interface Filter {
  readonly name: string;
  readonly label: string;
  readonly options?: readonly string[];
}

type Values = Readonly<Record<string, string>>;

export function Filters({ of }: { readonly of: readonly Filter[] }) {
  const id = useId();
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
  return (
    <search>
      <form class="filters" onSubmit={submit}>
        {of.map(({ name, label, options }) => (
          <label key={name} for={`${id}-${name}`}>
            {label}
            {options === undefined ? (
              <input
                id={`${id}-${name}`}
                value={draft[name] ?? ""}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
              />
            ) : (
              <select id={`${id}-${name}`} value={draft[name] ?? ""} onChange={(event) => apply({ ...draft, [name]: event.currentTarget.value })}>
                <option value="">any</option>
                {options.map((option) => (
                  <option key={option} value={option}>
                    {words(option)}
                  </option>
                ))}
              </select>
            )}
          </label>
        ))}
        <button type="submit">Filter</button>
        {Object.keys(set).length > 0 && (
          <button type="button" class="quiet" onClick={() => apply({})}>
            Clear
          </button>
        )}
      </form>
    </search>
  );
}

/** Those of the filters that are set. */
export function filtersIn(names: readonly string[]): Values {
  return Object.fromEntries(Object.entries(place.value.query).filter(([name]) => names.includes(name)));
}
