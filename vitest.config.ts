import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { allTests, testsTogether, testsWithSizes } from "./test/support/test-files.ts";

if (Number(process.versions.node.split(".")[0]) < 24)
  throw new Error(`The tests need Node 24; this is ${process.version}. Start them through npm: npm test, npx vitest.`);

/** Tests start hundreds of processes of Reprise from its sources: what was compiled once is kept for the next ones, which halves their start. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/reprise-tests");

/** What starts processes and waits for them comes first, and within a folder what took longest: no worker is left alone with a long file at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const folders = ["crash", "integration", "cli", "http", "unit"];
    const rank = ({ moduleId }: TestSpecification): number => folders.findIndex((folder) => moduleId.includes(`/test/${folder}/`));
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/** `npm test` is the mode `test`; `npm run test:long` the mode `long`: the same tests with more seeds, kills and events. */
export default defineConfig(({ mode }) => {
  const files = mode === "long" ? testsWithSizes() : allTests();
  const together = new Set(testsTogether());
  return {
    ssr: { resolve: { conditions: ["@reprise/source"] } },
    test: {
      projects: [
        { extends: true, test: { name: "alone", include: files.filter((path) => !together.has(path)) } },
        { extends: true, test: { name: "together", include: files.filter((path) => together.has(path)), isolate: false } },
      ],
      env: mode === "long" ? { REPRISE_TESTS: "long" } : {},
      reporters: ["default", "./test/support/closing-line.ts"],
      sequence: { sequencer: LongFirst },
      // One more than the processors that the times in the README are said for: tests of processes and of servers wait for half of their time.
      maxWorkers: 3,
      // What has to come is waited for as long as a test may take: one that gives up after a second says how busy the machine is.
      expect: { poll: { timeout: 25_000 } },
      testTimeout: 30_000,
      hookTimeout: 30_000,
    },
  };
});
