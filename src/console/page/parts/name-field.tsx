/** A field for one line, with the names of the service that it may have. */
import { useId, useState } from "preact/hooks";
import { type Named, useNames } from "../base/names.ts";

interface NameFieldProps {
  readonly label: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly named?: Named | undefined;
  readonly type?: "text" | "datetime-local";
  readonly hint?: string | undefined;
}

export function NameField({ label, value, change, named, type = "text", hint }: NameFieldProps) {
  const id = useId();
  // Asked for by whoever types there: where a million entities stand still, handlers are counted for a while.
  const [isTyped, setTyped] = useState(false);
  const names = useNames(isTyped ? named : undefined);
  return (
    <label for={id}>
      {label}
      <input
        {...{ id, value, type, placeholder: hint, autocomplete: "off", spellcheck: false }}
        {...(type === "datetime-local" ? { step: 1 } : {})}
        {...(names.length > 0 ? { list: `${id}-names` } : {})}
        onFocus={() => setTyped(true)}
        onInput={(event) => change(event.currentTarget.value)}
      />
      {names.length > 0 && (
        <datalist id={`${id}-names`}>
          {names.slice(0, 500).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </label>
  );
}

/** What a field for a local time holds, as the service is asked: `2026-01-31T12:00` → `2026-01-31T11:00:00.000Z`. What is no time stays. */
export function instantOf(local: string): string {
  const ms = new Date(local).getTime();
  return Number.isNaN(ms) ? local : new Date(ms).toISOString();
}

/** The other way around. */
export function localOf(instant: string): string {
  const ms = new Date(instant).getTime();
  if (Number.isNaN(ms)) return "";
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
