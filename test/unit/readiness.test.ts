import { expect, it } from "vitest";
import { makeReadiness, type ReadinessSource } from "../../src/store/readiness.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

it("is ready while no part says otherwise, and names every reason of every part", () => {
  const reasons: string[] = [];
  const parts: ReadinessSource[] = [
    { name: "", reasons: () => reasons },
    { name: "the log", reasons: () => reasons.map((reason) => `${reason}.`), warnings: () => ["The clock is behind."] },
    { name: "the views" },
  ];
  const readiness = makeReadiness(parts, makeFakeClock());
  expect(readiness.notReady()).toBeNull();
  reasons.push("one");
  expect(readiness.notReady()).toBe("one; the log: one");
  reasons.push("two", "three", "four");
  expect(readiness.notReady()).toBe("one; two; three; four; the log: one; and 3 more");
  expect(readiness.warnings()).toEqual(["The clock is behind."]);
});

it("says what a probe has found until the next one finds it gone, and probes once a second at most", async () => {
  const clock = makeFakeClock();
  let trouble: string | null = "no room";
  let probes = 0;
  const probe = async () => {
    probes++;
    if (trouble !== null) throw new Error(trouble);
  };
  const readiness = makeReadiness([{ name: "the log", probe }], clock);
  await Promise.all([readiness.probe(), readiness.probe()]);
  expect(probes).toBe(1);
  expect(readiness.notReady()).toBe("the log: no room");
  trouble = null;
  await readiness.probe();
  expect(readiness.notReady()).toBe("the log: no room");
  await clock.advance(1000);
  await readiness.probe();
  expect([probes, readiness.notReady()]).toEqual([2, null]);
});

it("counts a probe without an answer as trouble, and waits for it at most two seconds", async () => {
  const clock = makeFakeClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  const readiness = makeReadiness(
    [
      { name: "the log", probe: () => promise },
      { name: "the views", probe: async () => {} },
    ],
    clock,
  );
  const probed = readiness.probe();
  await clock.advance(2000);
  await probed;
  expect(readiness.notReady()).toBe("the log: no answer within 2 s");
  resolve();
});
