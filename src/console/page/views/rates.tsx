/** What happened in each minute of the last hour. */
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { shownCount } from "../base/shown-text.ts";

interface Minute {
  readonly minute: string;
  readonly events: number;
  readonly failures: number;
  readonly dead_letters: number;
}

const [width, height] = [300, 48] as const;

export function Rates({ of }: { readonly of: string }) {
  const live = useLive<{ readonly minutes: readonly Minute[] }>(`rates ${of}`, () => ask(["rates"]));
  const minutes = live.data.value?.minutes ?? [];
  if (minutes.length < 2) return null;
  return (
    <section>
      <h2>The last hour</h2>
      <div class="beside">
        <Line name="Events a minute" values={minutes.map(({ events }) => events)} />
        <Line name="Failed calls a minute" values={minutes.map(({ failures }) => failures)} />
        <Line name="Dead letters a minute" values={minutes.map(({ dead_letters }) => dead_letters)} />
      </div>
    </section>
  );
}

/** The last minute is not over yet, so the one before it counts as now, too. */
function Line({ name, values }: { readonly name: string; readonly values: readonly number[] }) {
  const top = values.reduce((most, value) => Math.max(most, value), 1);
  const line = values
    .map((value, index) => `${((index / (values.length - 1)) * width).toFixed(1)},${(height - (value / top) * (height - 4) - 2).toFixed(1)}`)
    .join(" ");
  const now = shownCount(Math.max(values.at(-2)!, values.at(-1)!));
  return (
    <figure>
      <figcaption>
        {name}: <strong>{now}</strong> now, {shownCount(values.reduce((most, value) => Math.max(most, value), 0))} at most
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${name}: ${now} now`}>
        <polyline points={line} />
      </svg>
    </figure>
  );
}
