/** A list handed on as the arguments of a call fills the stack at some hundred thousand items: lists of clients, logs and terminals go item by item. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";

/** A call whose arguments hold a spread, but for lists in brackets: `push(...list)`, `Math.max(0, ...list)`. */
const spreadCall = /(?:\.(?:push|unshift|splice|concat|fromCharCode|fromCodePoint)|Math\.(?:max|min)|invalid)\([^[\]{}()]*\.\.\./;

/** What reads schemas and steps, which their developer wrote, and nothing of a client. */
const developersOwn = /^src\/catalog\/(?:lock\/|diff\/|json-schema\.ts|define\.ts|check-definitions\.ts)|^src\/cli\/commands\/schema/;

function spreadsIn(text: string): readonly string[] {
  return text.split("\n").filter((line) => spreadCall.test(line));
}

it("no list of unknown length is spread into the arguments of a call", () => {
  const files = readdirSync(join(repositoryFolder, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `src/${name}`);
  expect(files.length).toBeGreaterThan(100);
  const found = files
    .filter((file) => !developersOwn.test(file))
    .flatMap((file) => spreadsIn(readFileSync(join(repositoryFolder, file), "utf8")).map((line) => `${file}: ${line.trim()}`));
  expect(found).toEqual([]);
});

it("finds such calls, and no others", () => {
  expect(spreadsIn("a.push(...b);\nMath.max(0, ...list)\nthrow invalid('x', ...places);\nlist.splice(0, 1, ...more)")).toHaveLength(4);
  expect(spreadsIn("a.push({ ...b });\na.push([...b]);\n[...a].push(b);")).toHaveLength(0);
});
