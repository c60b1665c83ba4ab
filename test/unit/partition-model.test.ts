import { describe, expect, it } from "vitest";
import { World, type WorldOptions } from "../support/partition-model.ts";
import { size } from "../support/sizes.ts";

const seeds = size(1000, 20_000, "REPRISE_MODEL_SEEDS");
/** Of the smaller worlds, each of which has fewer ways to go. */
const fewerSeeds = Math.ceil(seeds / 2);
const fewestSeeds = Math.ceil(seeds / 4);

function run(options: WorldOptions, steps: number): World {
  const world = new World(options);
  for (let step = 0; step < steps && world.broken.length === 0; step++) world.step();
  if (world.broken.length === 0) world.drain();
  world.broken.push(...(world.integration?.broken ?? []), ...(world.people?.broken ?? []));
  if (world.people && world.people.unended > 0) world.broken.push(`${world.people.unended} approved runs have no outcome`);
  if (world.broken.length === 0) world.checkSnapshotAt(Math.floor(world.random() * world.journal.length));
  return world;
}

/** Runs the world for many seeds; the message of a failure has the seed to run again. */
function explore(name: string, options: Omit<WorldOptions, "seed">, count = seeds): void {
  it(`${name}: ${count} seeds`, { timeout: 600_000 }, () => {
    let crashes = 0;
    let loaned = 0;
    let full = 0;
    let stopped = 0;
    let approved = 0;
    let expired = 0;
    const ahead = { stored: 0, underWay: 0 };
    for (let seed = 1; seed <= count; seed++) {
      const world = run({ ...options, seed }, 250);
      crashes += world.crashes;
      loaned += world.loaned;
      full += world.full;
      stopped += Math.min(world.integration?.opened ?? 0, world.integration?.gated ?? 0);
      approved += world.people?.approved ?? 0;
      expired += world.people?.expired ?? 0;
      ahead.stored += world.ahead.stored;
      ahead.underWay += world.ahead.underWay;
      expect(world.broken, `seed ${seed}`).toEqual([]);
    }
    if (options.people) expect(approved).toBeGreaterThan(count / 12);
    if (options.people === "reject") expect(expired).toBeGreaterThan(count / 12);
    if (!options.integration) expect(full).toBeGreaterThan(count / 10); // an integration of the model has fewer slots than its handler
    expect(crashes).toBeGreaterThan(count / 10);
    expect(loaned).toBeGreaterThan(count / 10);
    if (options.together) expect(ahead.stored).toBeGreaterThan(count / 2);
    if (options.together) expect(ahead.underWay).toBeGreaterThan(count / 10);
    if (options.integration) expect(stopped).toBeGreaterThan(count / 50);
  });
}

describe("a partition keeps order and loses nothing, whatever happens around it", () => {
  explore("strict", { ordering: "strict" });
  explore("relaxed", { ordering: "relaxed" });
  explore("one lane, one slot", { ordering: "strict", entities: 1, concurrency: 1 }, fewerSeeds);
  explore("record each", { ordering: "strict", record: "each" }, fewerSeeds);
  explore("an integration that goes down and asks for breaks", { ordering: "strict", integration: true, entities: 6 }, fewerSeeds);
  explore("the same, record each, relaxed", { ordering: "relaxed", record: "each", integration: true, entities: 6 }, fewerSeeds);
  explore("people decide, sooner or later", { ordering: "strict", people: "wait" }, fewestSeeds);
  explore("people decide in time or not at all, every call is recorded", { ordering: "strict", people: "reject", unknownOutcome: "escalate" }, fewestSeeds);
  explore("the same, relaxed", { ordering: "relaxed", people: "reject" }, fewestSeeds);
  explore("many dead letters are delivered again together", { ordering: "strict", entities: 12, concurrency: 6, together: true }, fewerSeeds);
  explore("many together, relaxed", { ordering: "relaxed", entities: 12, concurrency: 6, together: true }, fewestSeeds);
  explore("many lanes, little room", { ordering: "strict", entities: 12, concurrency: 5, limits: { readAheadEvents: 5, laneQueueEvents: 1 } }, fewerSeeds);
});

describe("an event that kills the process", () => {
  it("ends as a dead letter with cause crash, and no innocent event with it", { timeout: 600_000 }, () => {
    for (let seed = 1; seed <= fewerSeeds; seed++) {
      const culprits = new Set(["e7", "e20"]);
      const world = run({ seed, ordering: "strict", entities: 3, kills: ({ id }) => culprits.has(id) }, 250);
      expect(world.broken, `seed ${seed}`).toEqual([]);
      const dead = world.journal.filter((event) => event.type === "delivery.dead_lettered" && event.data.cause === "crash");
      expect(
        dead.map((event) => (event.data as { eventId: string }).eventId).filter((id) => !culprits.has(id)),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });

  it("is told from kills by somebody else, however many: they make no dead letter", { timeout: 120_000 }, () => {
    let crashes = 0;
    for (let seed = 1; seed <= fewerSeeds; seed++) {
      const world = run({ seed, ordering: "strict", entities: 2, kills: () => false, killedShare: 0.4 }, 250);
      crashes += world.crashes;
      expect(world.broken, `seed ${seed}`).toEqual([]);
      expect(
        world.journal.filter((event) => event.type === "delivery.dead_lettered" && event.data.cause === "crash"),
        `seed ${seed}`,
      ).toEqual([]);
    }
    expect(crashes).toBeGreaterThan(fewerSeeds * 5);
  });
});
