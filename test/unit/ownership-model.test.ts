import { describe, expect, it } from "vitest";
import { ClusterWorld } from "../support/ownership-model.ts";
import type { Mutant } from "../support/ownership-model-world.ts";
import { size } from "../support/sizes.ts";

const seeds = size(2000, 100_000, "REPRISE_OWNERSHIP_SEEDS");
/** A planted fault has to be seen within so many worlds. */
const mutantSeeds = 1000;

function explore(count: number, mutant?: Mutant): { readonly broken: string | null; readonly seen: ClusterWorld["seen"] } {
  const sums = { claims: 0, verdicts: 0, moves: 0, kept: 0, fenced: 0, rejoined: 0, deliveries: 0 };
  for (let seed = 1; seed <= count; seed++) {
    const world = new ClusterWorld({ seed, ...(mutant && { mutant }) });
    world.run();
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += world.seen[name];
    if (world.broken.length > 0) return { broken: `seed ${seed}: ${world.broken.join("; ")}`, seen: sums };
  }
  return { broken: null, seen: sums };
}

describe("instances that share a log", () => {
  it(`keep order, write nothing below an epoch, accuse nobody unjustly, and leave no partition alone (${seeds} seeds)`, { timeout: 1_800_000 }, () => {
    const { broken, seen } = explore(seeds);
    expect(broken).toBe(null);
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(what === "kept" ? seeds / 50 : seeds / 10);
  });

  it.each([
    ["no_self_fence", /starts a delivery of .*, which another one claimed/],
    ["no_own_beat", /accuses/],
    ["no_fold", /is on record after/],
    ["no_fence", /lower epoch|is on record after|began before/],
  ] as const)("the model sees a planted fault: %s", (mutant, how) => {
    expect(explore(mutantSeeds, mutant).broken).toMatch(how);
  });
});
