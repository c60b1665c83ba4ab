/** What the code and the documents refer to is in the repository: pages, headings, and the test of each rule. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorOf, headings, sections } from "../support/markdown.ts";
import { filesOf, readText } from "../support/repository-files.ts";
import { repositoryFolder } from "../support/run-tool.ts";

const isThere = (path: string): boolean => existsSync(join(repositoryFolder, path));

/** References to pages that lead nowhere: `docs/x.md`, `docs/x.md#anchor`, `docs/x.md, Heading`. */
function lost(text: string, page: (path: string) => string | null): readonly string[] {
  return Array.from(text.matchAll(/\bdocs\/[a-z-]+\.md(?:#([a-z0-9_-]+)|, ([A-Z][a-z].{0,60}))?/g), ([whole, anchor, heading]) => {
    const reference = whole.replace(/(, \w+).*$/, "$1");
    const markdown = page(reference.replace(/[#,].*$/, ""));
    if (markdown === null) return reference;
    if (anchor !== undefined && !headings(markdown).map(anchorOf).includes(anchor)) return reference;
    return heading !== undefined && !headings(markdown).some((each) => heading.startsWith(each)) ? reference : null;
  }).filter((reference) => reference !== null);
}

/** Files and folders of ours that stand in code marks. */
function namedFiles(markdown: string): readonly string[] {
  return Array.from(markdown.matchAll(/`((?:src|test|bench|bin|docs|examples|schemas|upcasters|handlers)\/[\w./-]*)`/g), ([, path]) => path!);
}

/** Notes that no reader of the repository has. */
const notHere = /\bDELIVERY\b|\bAPI\.md\b|\b(?:RE)?DESIGN\.md\b/;

describe("references", () => {
  const files = filesOf().filter((path) => path !== "test/unit/repository-references.test.ts");
  const page = (path: string): string | null => (isThere(path) ? readText(path) : null);

  it("lead to a page, and to a heading of it", () => {
    expect(files.length).toBeGreaterThan(400);
    expect(files.flatMap((path) => lost(readText(path), page).map((reference) => `${path}: ${reference}`))).toEqual([]);
  });

  it("name no note that is not in the repository", () => {
    expect(files.filter((path) => notHere.test(readText(path)))).toEqual([]);
  });

  it("of a page to a file in the repository lead to one", () => {
    const pages = files.filter((path) => /^(?:docs\/.*|README)\.md$/.test(path));
    expect(pages.length).toBeGreaterThan(8);
    expect(pages.flatMap((path) => namedFiles(readText(path)).map((file) => `${path}: ${file}`)).length).toBeGreaterThan(80);
    expect(pages.flatMap((path) => namedFiles(readText(path)).filter((file) => !isThere(file)).map((file) => `${path}: ${file}`))).toEqual([]); // biome-ignore format: one line
  });

  it("that lead nowhere are found", () => {
    expect(namedFiles("`src/none.ts`, `test/crash`, `src/`, not src/this.ts, not `src/<room>`")).toEqual(["src/none.ts", "test/crash", "src/"]);
    const planted = (path: string): string | null => (path === "docs/rules.md" ? "# Rules\n\n## Log\n" : null);
    expect(lost("docs/rules.md, Log of all and\ndocs/rules.md#log, see docs/rules.md, which says so.", planted)).toEqual([]);
    expect(lost("docs/rules.md, Lag;\ndocs/rules.md#lag; docs/none.md", planted)).toEqual(["docs/rules.md, Lag", "docs/rules.md#lag", "docs/none.md"]);
    expect(["as DELIVERY §3 says", "API.md's names", "DESIGN.md", "REDESIGN.md"].every((text) => notHere.test(text))).toBe(true);
    expect(notHere.test("DELIVERY_RUNNING, API, docs/delivery.md")).toBe(false);
  });
});

describe("docs/rules.md", () => {
  const rulesPage = readText("docs/rules.md");
  const rules = rulesPage.split("\n").filter((line) => line.startsWith("- "));

  it("has its rules under the headings that comments name", () => {
    expect([...sections(rulesPage, 2).keys()]).toEqual([
      "Promises",
      "Log",
      "Lanes",
      "Journal",
      "Crashes",
      "Escalation",
      "Follow-ups",
      "Effects",
      "Replay",
      "Several instances",
      "Requests that come again",
      "Checking",
    ]);
    expect(rules.length).toBeGreaterThan(50);
  });

  it.each(rules.map((rule) => [/\*\*(.+?)\*\*/.exec(rule)?.[1] ?? rule, rule]))("%s names a test that is there", (_name, rule) => {
    expect(provesOf(rule)).not.toEqual([]);
    expect(provesOf(rule).filter((proof) => !isProof(proof))).toEqual([]);
  });

  it("would be told of a rule without a test, and of a test that is not there", () => {
    expect(provesOf("- **A rule.** It has no test.")).toEqual([]);
    const [none, other, right] = provesOf(
      'Tested by `test/unit/none.test.ts`; `test/unit/ids.test.ts`, "does what no test does"; `test/unit/repository-references.test.ts`, "would be told of".',
    );
    expect([none, other, right].map((proof) => isProof(proof!))).toEqual([false, false, true]);
  });
});

interface Proof {
  readonly path: string;
  /** Words of the test's title. */
  readonly title: string | undefined;
}

function provesOf(rule: string): readonly Proof[] {
  const proofs = /Tested by (.+)\.$/.exec(rule)?.[1] ?? "";
  return Array.from(proofs.matchAll(/`(test\/[^`]+)`(?:, "([^"]+)")?/g), ([, path, title]) => ({ path: path!, title }));
}

function isProof({ path, title }: Proof): boolean {
  return isThere(path) && (title === undefined || readText(path).includes(title));
}
