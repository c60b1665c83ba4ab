/** What became of a delivery that is given up. */
export type Resolved = "not_needed" | "done_by_hand";

export function Resolution({ value, change }: { readonly value: Resolved; readonly change: (value: Resolved) => void }) {
  return (
    <label>
      What became of it
      <select value={value} onChange={(event) => change(event.currentTarget.value as Resolved)}>
        <option value="not_needed">it is not needed</option>
        <option value="done_by_hand">it was done by hand</option>
      </select>
    </label>
  );
}
