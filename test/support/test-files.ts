/** Which test files there are, by what they do: for vitest.config.ts, which runs them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const folder = join(import.meta.dirname, "..");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const texts = new Map(files.map((path) => [path, readFileSync(join(folder, path), "utf8")]));

/** Tests with a large version: those that ask `sizes.ts` how much to do, themselves or by what they import. */
export function testsWithSizes(): readonly string[] {
  return testsThatReach("support/sizes.ts").filter((path) => path !== "test/unit/repository-sizes.test.ts");
}

export function allTests(): readonly string[] {
  return testsAmong(files);
}

/**
 * Units that may share a process and what it has loaded: they hold no hooks in a module that several files import, put nothing in a module's place, and do
 * not judge the process's heap.
 * Each process that is saved is half a second of a processor.
 */
export function testsTogether(): readonly string[] {
  const alone = new Set(testsThatReach("support/described.ts"));
  const owns = (path: string) => /\bvi\.(mock|doMock|hoisted|resetModules)\(|"node:v8"/.test(texts.get(path.slice("test/".length))!);
  return allTests().filter((path) => path.startsWith("test/unit/") && !alone.has(path) && !owns(path));
}

/** Tests that import a module of `test`, themselves or by what they import. */
function testsThatReach(module: string): readonly string[] {
  const imported = files.map((path) => [path, importsOf(path)] as const);
  const reaching = new Set([module]);
  for (const path of reaching) for (const [by, others] of imported) if (others.includes(path)) reaching.add(by);
  return testsAmong(reaching);
}

function importsOf(path: string): readonly string[] {
  return Array.from(texts.get(path)!.matchAll(/ from "(\.[^"]+)";/g), ([, other]) => relative(folder, join(folder, dirname(path), other!)));
}

function testsAmong(paths: Iterable<string>): readonly string[] {
  return Array.from(paths)
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `test/${path}`);
}
