/**
 * Files of at most 250 lines, functions of at most 70, classes of at most 12 public and 25 members in all: what is longer has more than one subject.
 *
 * `stillOver` is what was over a limit when the rule came. It may only shrink: delete the line of what you have brought below its limit, add none.
 * One entry a line, sorted within its room, and the `#` lines stay where they are: then changes of two rooms never meet in a merge.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";
import { linesOf, overIn, shapeLimits } from "../support/source-shape.ts";

const stillOver = `
# src
# src/catalog
# src/catalog/diff
# src/catalog/lift
# src/catalog/lock
# src/cli/commands
# src/config
# src/delivery
# src/delivery/attempt
# src/delivery/dispatcher
# src/delivery/effects
# src/delivery/journal
# src/delivery/partition
# src/http
# src/http/routes
# src/http/wire
# src/log/copy
# src/log/eventstoredb
# src/log/sqlite
# src/replay
# src/store
# src/store/append
# src/views
# src/views/projections
# src/views/queries
`
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

/** Half of the files have no more lines. */
const medianLines = 70;

const sources = readdirSync(join(repositoryFolder, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ path: `src/${name}`, text: readFileSync(join(repositoryFolder, "src", name), "utf8") }));

describe("the shape of the source", () => {
  const over = new Set(sources.flatMap(({ path, text }) => overIn(path, text)));

  it("has nothing over a limit but what the list names", () => {
    expect([...over].filter((entry) => !stillOver.includes(entry))).toEqual([]);
  });

  it("names nothing in the list that is within its limits", () => {
    expect(stillOver.filter((entry) => !over.has(entry))).toEqual([]);
  });

  it("has short files: half of them are within the median", () => {
    const lengths = sources.map(({ text }) => linesOf(text)).sort((a, b) => a - b);
    expect(lengths.length).toBeGreaterThan(200);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(medianLines);
  });
});

describe("the rules about shape can fail", () => {
  const lines = (count: number, line: string): string => `${line}\n`.repeat(count);
  const { fileLines, functionLines, publicMembers, members } = shapeLimits;

  it("for a file that is one line too long", () => {
    expect(overIn("a.ts", lines(fileLines, "// a"))).toEqual([]);
    expect(overIn("a.ts", lines(fileLines + 1, "// a"))).toEqual(["file a.ts"]);
    expect(overIn("a.ts", `${lines(fileLines, "// a")}// no newline at the end`)).toEqual(["file a.ts"]);
  });

  it.each([
    ["a declaration", "long", (body: string) => `function long() {\n${body}}`],
    ["an arrow function", "long", (body: string) => `const long = () => {\n${body}};`],
    ["a method", "A.long", (body: string) => `class A {\n  long() {\n${body}  }\n}`],
    ["a constructor", "A.constructor", (body: string) => `class A {\n  constructor() {\n${body}  }\n}`],
    ["an accessor", "A.long", (body: string) => `class A {\n  get long() {\n${body}  }\n}`],
    ["a function in a property", "long", (body: string) => `const a = { long: () => {\n${body}} };`],
    ["a callback", "list.forEach()", (body: string) => `list.forEach(() => {\n${body}});`],
  ])("for %s that is one line too long", (_what, name, around) => {
    expect(overIn("a.ts", around(lines(functionLines - 2, "a();")))).toEqual([]);
    expect(overIn("a.ts", around(lines(functionLines - 1, "a();")))).toEqual([`function a.ts ${name}`]);
  });

  it("for a function within a function, each by itself", () => {
    const text = `function outer() {\nconst inner = () => {\n${lines(functionLines, "a();")}};\n}`;
    expect(overIn("a.ts", text)).toEqual(["function a.ts outer", "function a.ts outer.inner"]);
  });

  it("not for the comment above a function", () => {
    expect(overIn("a.ts", `/**\n${lines(100, " * a")} */\nfunction short() {}`)).toEqual([]);
  });

  it("for a class with one public member too many", () => {
    const withFields = (count: number): string => `class A {\n${Array.from({ length: count }, (_, at) => `  a${at} = 1;`).join("\n")}\n}`;
    expect(overIn("a.ts", withFields(publicMembers))).toEqual([]);
    expect(overIn("a.ts", withFields(publicMembers + 1))).toEqual(["public a.ts A"]);
  });

  it("for a class with too many members, public or not", () => {
    const withPrivate = (count: number): string =>
      `class A {\n${Array.from({ length: count }, (_, at) => `  ${at % 2 ? "#" : "private "}a${at}() {}`).join("\n")}\n}`;
    expect(overIn("a.ts", withPrivate(members))).toEqual([]);
    expect(overIn("a.ts", withPrivate(members + 1))).toEqual(["members a.ts A"]);
  });

  it("counts an accessor's two halves once, and fields that the constructor takes", () => {
    const accessors = Array.from({ length: publicMembers }, (_, at) => `  get a${at}() { return 1; }\n  set a${at}(value) {}`).join("\n");
    expect(overIn("a.ts", `class A {\n${accessors}\n  constructor(plain: number) {}\n}`)).toEqual([]);
    expect(overIn("a.ts", `class A {\n${accessors}\n  constructor(readonly kept: number) {}\n}`)).toEqual(["public a.ts A"]);
  });
});
