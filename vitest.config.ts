import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error(`The tests need Node 24; this is ${process.version}. Start them through npm: npm test, npx vitest.`);

/** Tests start hundreds of processes of Reprise from its sources: what was compiled once is kept for the next ones, which halves their start. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/reprise-tests");

/** Tests with a large version: those that ask `sizes.ts` how much to do, themselves or by what they import. */
function testsWithSizes(): string[] {
  const folder = join(import.meta.dirname, "test");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const imported = new Map(files.map((path) => [path, importsOf(join(folder, path)).map((other) => relative(folder, other))]));
  const asking = new Set(["support/sizes.ts"]);
  for (const path of asking) for (const [by, others] of imported) if (others.includes(path)) asking.add(by);
  return [...asking].filter((path) => path.endsWith(".test.ts") && path !== "unit/repository-sizes.test.ts").map((path) => `test/${path}`);
}

function importsOf(file: string): readonly string[] {
  return Array.from(readFileSync(file, "utf8").matchAll(/ from "(\.[^"]+)";/g), ([, path]) => join(dirname(file), path!));
}

/** What starts processes and waits for them comes first, and within a folder what took longest: no worker is left alone with a long file at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const folders = ["crash", "integration", "cli", "http", "unit"];
    const rank = ({ moduleId }: TestSpecification): number => folders.findIndex((folder) => moduleId.includes(`/test/${folder}/`));
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/** `npm test` is the mode `test`; `npm run test:long` the mode `long`: the same tests with more seeds, kills and events. */
export default defineConfig(({ mode }) => ({
  ssr: { resolve: { conditions: ["@reprise/source"] } },
  test: {
    include: mode === "long" ? testsWithSizes() : ["test/**/*.test.ts"],
    env: mode === "long" ? { REPRISE_TESTS: "long" } : {},
    reporters: ["default", "./test/support/closing-line.ts"],
    sequence: { sequencer: LongFirst },
    // One more than the processors that the times in the README are said for: tests of processes and of servers wait for half of their time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
}));
