import { describe, expect, it } from "vitest";
import { toSelection } from "../../src/replay/selection.ts";
import { openScene, replayWith, runTerms } from "../support/replay-scene.ts";
import { size } from "../support/sizes.ts";

const seconds = size(4, 20, "REPRISE_RATE_SECONDS");
const perSecond = 40;

describe("the rate of a replay", () => {
  it(`of dead letters and what they release is held within 10 % over ${seconds} s of the real clock`, { timeout: 120_000 }, async () => {
    let broken = true;
    const { store, seen, append, quiet } = await openScene({
      work: ({ revision }) => {
        if (broken && revision === 0) throw new Error("no");
      },
    });
    const entities = Array.from({ length: (seconds * perSecond) / 2 }, (_, index) => `e${index}`);
    await append(...entities.map((entity) => [entity] as const), ...entities.map((entity) => [entity] as const));
    await quiet({ byStatus: { dead_lettered: entities.length, held: entities.length } });
    broken = false;
    seen.length = 0;
    const { planId, releases } = await store.planReplay(toSelection({ deadLetters: { handler: "main" } }), { ratePerSecond: perSecond });
    expect(releases).toBe(entities.length);
    const { replayId } = await store.startReplay(planId, { reason: "paced", terms: { ...runTerms, ratePerSecond: perSecond } });
    while (seen.length < 2 * entities.length) await new Promise((resolve) => setTimeout(resolve, 20));
    const took = (seen.at(-1)!.startedMs - seen[0]!.startedMs) / 1000;
    const rate = (seen.length - 1) / took;
    console.info(`replay: ${seen.length} deliveries at ${rate.toFixed(2)}/s of ${perSecond}/s asked, over ${took.toFixed(1)} s`);
    expect(rate).toBeGreaterThan(perSecond * 0.9);
    expect(rate).toBeLessThan(perSecond * 1.1);
    expect(await replayWith(store, replayId, "completed")).toMatchObject({ succeeded: entities.length });
  });
});
