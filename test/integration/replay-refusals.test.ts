import { describe, expect, it } from "vitest";
import { isRepriseError } from "../../src/errors.ts";
import { openScene } from "../support/replay-scene.ts";

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "nothing was refused",
    (error: unknown) => (isRepriseError(error) ? error.code : error),
  );

const fails = {
  work: () => {
    throw new TypeError("cannot");
  },
};

describe("a dead letter behind an earlier one of its entity, left from before the handler became strict", () => {
  it("is refused with a code of its own, and nothing changes", async () => {
    const relaxed = await openScene({ ...fails, ordering: "relaxed" });
    await relaxed.append(["a"], ["a"]);
    await relaxed.quiet({ byStatus: { dead_lettered: 2 } });
    await relaxed.store.close();

    const { store, seen, quiet } = await openScene({ ...fails, ordering: "strict", folder: relaxed.folder });
    await quiet({ byStatus: { dead_lettered: 2 } });
    const { events } = await store.views.deadLetters({ tenant: "default" }, { limit: 10 });
    const second = events.find(({ revision }) => revision === 1)!;
    expect(await codeOf(store.replay(second.id, { reason: "mended" }))).toBe("LETTER_NOT_FIRST");
    expect(await codeOf(store.discard(second.id, { reason: "not needed" }))).toBe("LETTER_NOT_FIRST");
    expect(await codeOf(store.amend(second.id, { data: { n: 2 }, reason: "mended" }))).toBe("LETTER_NOT_FIRST");
    expect(seen).toEqual([]);
    expect(await store.replayBatch({})).toMatchObject({
      total: 2,
      failed: 1,
      skipped: 1,
      skips: [{ reason: "an earlier dead letter of its entity comes first" }],
    });
  });
});
