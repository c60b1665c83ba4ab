import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error(`The tests need Node 24; this is ${process.version}. Start them through npm: npm test, npx vitest.`);

/** Tests start hundreds of processes of Reprise from its sources: what was compiled once is kept for the next ones, which halves their start. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/reprise-tests");

/** Tests with a large version: their files, or a module of `support` that they import, ask `sizes.ts` how much to do. */
function testsWithSizes(): string[] {
  const folder = join(import.meta.dirname, "test");
  const asks = (path: string, name: string): boolean => readFileSync(join(folder, path), "utf8").includes(`/${name}.ts"`);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const support = files.filter((path) => path.startsWith("support") && asks(path, "sizes")).map((path) => path.slice("support".length + 1, -".ts".length));
  return files.filter((path) => path.endsWith(".test.ts") && ["sizes", ...support].some((name) => asks(path, name))).map((path) => `test/${path}`);
}

/** `npm test` is the mode `test`; `npm run test:long` the mode `long`: the same tests with more seeds, kills and events. */
export default defineConfig(({ mode }) => ({
  ssr: { resolve: { conditions: ["@reprise/source"] } },
  test: {
    include: mode === "long" ? testsWithSizes() : ["test/**/*.test.ts"],
    env: mode === "long" ? { REPRISE_TESTS: "long" } : {},
    reporters: ["default", "./test/support/closing-line.ts"],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
}));
