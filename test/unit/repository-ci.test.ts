/** `.ci/run` with an npm that fails on purpose: no failure may end as a pass. */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryFolder, run, writeTree } from "../support/run-tool.ts";

describe(".ci/run", () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-ci-"));
  const path = process.env.PATH ?? "";

  beforeAll(() => {
    cpSync(join(repositoryFolder, ".ci/run"), join(folder, ".ci/run"), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Each step as shell; what is left out goes well. */
  async function ciWith(steps: { readonly ci?: string; readonly check?: string; readonly test?: string }) {
    const { ci = "true", check = "echo '7 passed, 0 failed'", test = "echo '30 passed, 0 failed, 2 skipped'" } = steps;
    writeTree(folder, { "bin/npm": `#!/bin/sh\ncase "$*" in ci) ${ci};; "run check") ${check};; test) ${test};; *) exit 9;; esac\n` });
    chmodSync(join(folder, "bin/npm"), 0o755);
    const { code, stdout } = await run("env", [`PATH=${join(folder, "bin")}${delimiter}${path}`, join(folder, ".ci/run")], "/");
    return { code, lastLine: stdout.trimEnd().split("\n").at(-1), stdout };
  }

  it("ends with the tests' count and exit 0 when all is well", async () => {
    expect(await ciWith({})).toMatchObject({ code: 0, lastLine: "30 passed, 0 failed" });
  });

  it.each([
    ["an install that fails", { ci: "exit 1" }, "0 passed, 1 failed"],
    ["a check that fails", { check: "exit 1" }, "30 passed, 1 failed"],
    ["failed tests", { test: "echo '28 passed, 2 failed'; exit 1" }, "28 passed, 2 failed"],
    ["failed tests and a failed check", { check: "exit 1", test: "echo '28 passed, 2 failed'; exit 1" }, "28 passed, 3 failed"],
    ["a test run that dies before its closing line", { test: "echo boom; kill -9 $$" }, "0 passed, 1 failed"],
    ["a test run that fails without a failed test", { test: "echo '30 passed, 0 failed'; exit 1" }, "30 passed, 1 failed"],
    ["a run without any test", { test: "echo '0 passed, 0 failed'" }, "0 passed, 1 failed"],
  ])("fails for %s", async (_what, steps, lastLine) => {
    const result = await ciWith(steps);
    expect(result).toMatchObject({ code: 1, lastLine });
  });

  it("runs the test command that the README names, and `npm run check`", () => {
    const [script, readme] = [".ci/run", "README.md"].map((path) => readFileSync(join(repositoryFolder, path), "utf8"));
    expect(readme).toMatch(/^npm test {2,}#/m);
    expect(Array.from(script!.matchAll(/\bstep (npm [a-z ]+?)(?: \|\||; then)/g), ([, command]) => command)).toEqual(["npm ci", "npm run check", "npm test"]);
  });

  it("says which steps ran and how they ended", async () => {
    const { stdout } = await ciWith({ check: "exit 1" });
    expect(stdout).toMatch(/ok +\d+s {2}npm ci\nFAILED +\d+s {2}npm run check\nok +\d+s {2}npm test\n/);
  });
});

describe(".ci/at-once", () => {
  const atOnce = (...commands: readonly string[]) => run(join(repositoryFolder, ".ci/at-once"), commands, "/");

  it("shows what each command has printed, in their order, and fails when one of them has", async () => {
    expect(await atOnce("sleep 0.1; echo one", "echo two >&2")).toMatchObject({
      code: 0,
      stdout: "\n== ok: sleep 0.1; echo one\none\n\n== ok: echo two >&2\ntwo\n",
    });
    for (const commands of [
      ["exit 3", "true", "echo two"],
      ["true", "echo two", "exit 3"],
    ])
      expect(await atOnce(...commands)).toMatchObject({ code: 1, stdout: expect.stringMatching(/== FAILED \(3\): exit 3\n/) });
  });
});
