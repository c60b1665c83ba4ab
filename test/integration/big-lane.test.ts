/** One entity with very many dead letters: whatever lists them on record is divided (REPRISE_BIG_LANE_LETTERS for more of them). */
import { describe, expect, it } from "vitest";
import { toSelection } from "../../src/replay/selection.ts";
import { openScene, replayWith, runTerms } from "../support/replay-scene.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const letters = size(1100, 20_000, "REPRISE_BIG_LANE_LETTERS");
const all = toSelection({ deadLetters: { handler: "main" } });

describe("one entity with very many dead letters", () => {
  it("is kept over restarts, listed, planned, discarded and replayed", { timeout: 3_000_000 }, async () => {
    const folder = temporaryFolder();
    const startedMs = performance.now();
    const told = (what: string) => console.info(`${letters} letters of one entity: ${what} after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const broken = {
      folder,
      ordering: "relaxed" as const,
      work: () => {
        throw new Error("down");
      },
    };
    const first = await openScene(broken);
    await first.append(...Array.from({ length: letters }, (_, n) => ["one", { n }] as const));
    while (first.seen.length < letters) await new Promise((resolve) => setTimeout(resolve, 50));
    await first.quiet({ byStatus: { dead_lettered: letters } });
    told("dead-lettered");
    await first.store.close();
    told("closed");

    const second = await openScene(broken);
    await second.quiet({ byStatus: { dead_lettered: letters } });
    told("opened again");
    expect(second.store.notReady()).toBe(null);
    const { deadLetters, total, deliveries } = {
      ...(await second.store.views.deadLetters({ tenant: "default", handler: "main" }, { limit: 50, data: true })),
      ...(await second.store.planReplay(all)),
    };
    expect({ total, deadLetters, deliveries }).toMatchObject({ total: letters, deliveries: letters });
    told("listed and planned");
    // A thousand acts at once are more than one append takes.
    expect(await second.store.discardBatch({ handler: "main" }, { reason: "not needed", maxEvents: 1000 })).toMatchObject({ discarded: 1000, skipped: 0 });
    expect(second.store.notReady()).toBe(null);
    await second.store.close();
    told("discarded a thousand");

    const third = await openScene({ folder, ordering: "relaxed" });
    await third.quiet({ byStatus: { dead_lettered: letters - 1000, discarded: 1000 } });
    const { planId } = await third.store.planReplay(toSelection({ deadLetters: { handler: "main" } }));
    const { replayId } = await third.store.startReplay(planId, { reason: "mended", terms: runTerms });
    if (letters > 20_000) {
      while (third.seen.length < 5000) await new Promise((resolve) => setTimeout(resolve, 50)); // all of them take a quarter of an hour
      await third.store.actOnReplay(replayId, "cancel");
      told(`replayed ${third.seen.length}`);
    } else {
      expect(await replayWith(third.store, replayId, "completed")).toMatchObject({ succeeded: letters - 1000, failed: 0, skipped: 0 });
      expect(third.seen.map(({ revision }) => revision)).toEqual(Array.from({ length: letters - 1000 }, (_, n) => n + 1000));
      told("replayed");
    }
  });
});
