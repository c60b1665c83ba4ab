/** How fast events were done, and how many dead letters there were, in the last hour as far as this page has seen it. */
import { useEffect, useState } from "preact/hooks";
import { shownCount } from "../base/shown-text.ts";

interface Sample {
  readonly atMs: number;
  readonly done: number;
  readonly letters: number;
}

const hourMs = 3_600_000;
/** One sample in so long: 120 an hour. */
const everyMs = 30_000;
const [width, height] = [300, 48] as const;

export function Rates({ done, letters, of }: { readonly done: number | null; readonly letters: number | null; readonly of: string }) {
  const [samples, setSamples] = useState(() => readSamples(of));
  useEffect(() => {
    if (done === null || letters === null) return;
    const latest = samples.at(-1);
    if (latest !== undefined && Date.now() - latest.atMs < everyMs) return;
    const next = [...samples, { atMs: Date.now(), done, letters }].filter(({ atMs }) => Date.now() - atMs < hourMs);
    setSamples(next);
    sessionStorage.setItem(`rates ${of}`, JSON.stringify(next));
  }, [done, letters]);
  if (samples.length < 2) return null;
  const rates = samples.slice(1).map((sample, index) => {
    const before = samples[index]!;
    return { atMs: sample.atMs, value: Math.max(0, ((sample.done - before.done) * 60_000) / (sample.atMs - before.atMs)) };
  });
  return (
    <section>
      <h2>The last hour, as this page has seen it</h2>
      <div class="beside">
        <Line name="Events done a minute" points={rates} />
        <Line name="Dead letters" points={samples.map(({ atMs, letters: value }) => ({ atMs, value }))} />
      </div>
    </section>
  );
}

function Line({ name, points }: { readonly name: string; readonly points: readonly { readonly atMs: number; readonly value: number }[] }) {
  const top = Math.max(1, ...points.map(({ value }) => value));
  const [from, to] = [points[0]!.atMs, points.at(-1)!.atMs];
  const x = (atMs: number): number => (to === from ? width : ((atMs - from) / (to - from)) * width);
  const line = points.map(({ atMs, value }) => `${x(atMs).toFixed(1)},${(height - (value / top) * (height - 4) - 2).toFixed(1)}`).join(" ");
  const latest = Math.round(points.at(-1)!.value);
  return (
    <figure>
      <figcaption>
        {name}: <strong>{shownCount(latest)}</strong> now, {shownCount(Math.round(top))} at most
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${name}: ${latest} now`}>
        <polyline points={line} />
      </svg>
    </figure>
  );
}

/** A reload forgets nothing. */
function readSamples(of: string): readonly Sample[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(`rates ${of}`) ?? "[]") as readonly Sample[];
    return kept.filter(({ atMs }) => Date.now() - atMs < hourMs);
  } catch {
    return [];
  }
}
