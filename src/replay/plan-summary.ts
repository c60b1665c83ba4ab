/** What a plan says of its items: how many they are, for whom, and which of them are shown as samples. */
import { makeTurns } from "../event/turns.ts";
import type { PlanFindings } from "../records/plan.ts";
import type { Selected } from "./select.ts";

const maxSamples = 5;
const maxErrors = 50;

type Summary = Pick<
  PlanFindings,
  "deliveries" | "deadLetters" | "releases" | "entities" | "byHandler" | "byError" | "ineligible" | "invalid" | "invalidTotal" | "samples"
>;

export async function summaryOf({ items, deadLetters, releases, byError, ineligible, invalid, invalidTotal, types }: Selected): Promise<Summary> {
  const turns = makeTurns();
  const entities = new Set<string>();
  const handlers = new Map<string, { deliveries: number; readonly entities: Set<string> }>();
  for (const { handler, lane } of items) {
    if (turns.due()) await turns.next();
    entities.add(lane);
    const its = handlers.get(handler) ?? { deliveries: 0, entities: new Set<string>() };
    handlers.set(handler, its);
    its.deliveries++;
    its.entities.add(lane);
  }
  return {
    deliveries: items.length,
    deadLetters,
    releases,
    entities: entities.size,
    byHandler: Array.from(handlers, ([handler, its]) => ({ handler, deliveries: its.deliveries, entities: its.entities.size })),
    byError: mostFirst(byError)
      .map(([error, count]) => ({ error, count }))
      .slice(0, maxErrors),
    ineligible: mostFirst(ineligible).map(([reason, count]) => ({ reason, count })),
    invalid,
    invalidTotal,
    samples: samplePlaces(items, types),
  };
}

const mostFirst = (counts: ReadonlyMap<string, number>) => [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));

/** One item of each event type, then others, spread over the plan. */
function samplePlaces(items: Selected["items"], types: readonly string[]): readonly number[] {
  const wanted = new Set(types);
  const places = new Set<number>();
  for (let place = 0; place < items.length && wanted.size > 0 && places.size < maxSamples; place++) if (wanted.delete(items[place]!.type)) places.add(place);
  for (let step = 0; step < maxSamples && places.size < Math.min(maxSamples, items.length); step++) places.add(Math.floor((step * items.length) / maxSamples));
  return [...places].slice(0, maxSamples);
}
