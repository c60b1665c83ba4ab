/** `npm test` and `npm run test:long` are the same tests: the second has only those that can do more, and has them do it. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import config from "../../vitest.config.ts";
import { filesOf, readText } from "../support/repository-files.ts";

function inMode(mode: string): { readonly include: readonly string[]; readonly env: unknown } {
  const { projects, env } = config({ mode, command: "serve" }).test!;
  return { include: (projects as { test: { include: string[] } }[]).flatMap(({ test }) => test.include), env };
}

describe("npm run test:long", () => {
  it("has each test file that asks how much to do, itself or by what it imports", () => {
    const files = filesOf(/^test\/.*\.test\.ts$/);
    const direct = files.filter((path) => /from "\.\.\/support\/sizes\.ts"/.test(readText(path)) && path !== "test/unit/repository-sizes.test.ts");
    const { include, env } = inMode("long");
    expect(direct.length).toBeGreaterThan(5);
    expect(include).toEqual(expect.arrayContaining([...direct, "test/crash/replay-plan.test.ts", "test/unit/sqlite-log.contract.test.ts"]));
    expect(include.length).toBeLessThan(files.length / 3);
    expect(env).toEqual({ REPRISE_TESTS: "long" });
  });

  it("leaves nothing out of npm test", () => {
    const { include, env } = inMode("test");
    expect(include.toSorted()).toEqual(filesOf(/^test\/.*\.test\.ts$/).toSorted());
    expect(env).toEqual({});
  });
});

describe("how much a test does", () => {
  async function sizesIn(tests: string | undefined) {
    vi.stubEnv("REPRISE_TESTS", tests);
    vi.resetModules();
    onTestFinished(() => void vi.unstubAllEnvs());
    return import("../support/sizes.ts");
  }

  it("is the small number, the large one in the long run, and what a variable says in both", async () => {
    const [small, long] = [await sizesIn(undefined), await sizesIn("long")];
    expect([small.size(3, 100), long.size(3, 100)]).toEqual([3, 100]);
    expect([small.someOf(2, ["a", "b", "c"]), long.someOf(2, ["a", "b", "c"])]).toEqual([
      ["a", "b"],
      ["a", "b", "c"],
    ]);
    vi.stubEnv("REPRISE_TEST_SEEDS", "7");
    expect([small.size(3, 100, "REPRISE_TEST_SEEDS"), long.size(3, 100, "REPRISE_TEST_SEEDS")]).toEqual([7, 7]);
  });
});
