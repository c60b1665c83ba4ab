import { describe, expect, it } from "vitest";
import { type RunnersMutant, RunnersWorld } from "../support/runners-model.ts";
import { size } from "../support/sizes.ts";

const seeds = size(300, 20_000, "REPRISE_RUNNERS_SEEDS");

async function explore(count: number, mutant?: RunnersMutant): Promise<{ readonly broken: string | null; readonly seen: RunnersWorld["seen"] }> {
  const sums = { claims: 0, fenced: 0, woken: 0, lookedUp: 0, joined: 0, cancelled: 0 };
  for (let seed = 1; seed <= count; seed++) {
    const world = new RunnersWorld(seed, mutant);
    await world.run(80);
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += world.seen[name];
    const broken = [...world.broken, ...wrongEnds(world)];
    if (broken.length > 0) return { broken: `seed ${seed}: ${broken.join("; ")}`, seen: sums };
  }
  return { broken: null, seen: sums };
}

/** One end, whose counts add up to the items and are what the owners have on record. */
function wrongEnds({ ends, items, succeeded, failed }: RunnersWorld): readonly string[] {
  if (ends.length !== 1) return [`${ends.length} ends`];
  const [end] = ends;
  const wrong: string[] = [];
  if (end!.succeeded + end!.failed + end!.skipped !== items) wrong.push("the report does not add up");
  if (end!.succeeded !== succeeded || end!.failed !== failed)
    wrong.push(`the report says ${end!.succeeded} succeeded and ${end!.failed} failed, the owners ${succeeded} and ${failed}`);
  return wrong;
}

describe("a replay whose runners stop, freeze, wake and are replaced", () => {
  it(`starts each item once, is written by one runner at a time, and comes to one end that adds up (${seeds} seeds)`, { timeout: 1_800_000 }, async () => {
    const { broken, seen } = await explore(seeds);
    expect(broken).toBe(null);
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(seeds / 50);
  });

  it.each([
    ["no_fence", /although .* is the runner|ends/],
    ["no_members", /which takes part/],
    ["no_look_up", /the report says/],
    ["no_join", /the report says/],
  ] as const)("the model sees a planted fault: %s", async (mutant, how) => {
    expect((await explore(300, mutant)).broken).toMatch(how);
  });
});
