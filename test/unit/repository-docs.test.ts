/** The documents say what the code says: error codes, scripts, dependencies, links. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ErrorCode, errorCatalog, RepriseError } from "../../src/errors.ts";
import { statusOfCode, toProblem } from "../../src/http/problem.ts";
import { anchorOf, headings, sections } from "../support/markdown.ts";
import { readText as read } from "../support/repository-files.ts";
import { repositoryFolder } from "../support/run-tool.ts";

const manifest = JSON.parse(read("package.json")) as {
  readonly version: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};
const docs = readdirSync(join(repositoryFolder, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);
const pages = ["README.md", "CHANGELOG.md", ...docs];

describe("docs/errors.md", () => {
  const documented = sections(read("docs/errors.md"), 2);
  const codes = Object.keys(errorCatalog) as ErrorCode[];

  it("documents every code of the catalogue, and no other", () => {
    expect(new Set(documented.keys())).toEqual(new Set(codes));
  });

  it.each(codes)("%s: when it happens, its status, and the catalogue's own remedy", (code) => {
    const [, when, whatToDo] = /^\*\*When\.\*\* (.+)\n\n\*\*What to do\.\*\* (.+)\n/.exec(documented.get(code) ?? "") ?? [];
    const { kind, remedy } = errorCatalog[code];
    expect(whatToDo).toContain(remedy);
    if (kind === "config") expect(when).toMatch(/^At start.*: .*Exit 2/);
    else expect(when?.match(/HTTP \d{3}/g)).toEqual([`HTTP ${statusOfCode(code)}`]);
  });

  it("has the anchors that a problem's type ends in", () => {
    const types = codes.map((code) => toProblem(new RepriseError(code, "It went wrong."), { path: "/events", requestId: "1" }).type);
    expect(types.map((type) => type.replace(/^.*docs\/errors\.md#/, ""))).toEqual(codes.map(anchorOf));
  });
});

describe("the documents", () => {
  it.each(docs)("%s says at its top who should read it", (path) => {
    expect(read(path)).toMatch(/^# .+\n\n\*For .+\*\n/);
  });

  it.each(pages)("%s has no link that leads nowhere", (path) => {
    for (const [, target = ""] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const page = file === "" ? path : join(dirname(path), file);
      expect(existsSync(join(repositoryFolder, page)), `${target} in ${path}`).toBe(true);
      if (anchor === undefined) continue;
      expect(headings(read(page)).map(anchorOf), `${target} in ${path}`).toContain(anchor);
    }
  });

  it.each(pages)("%s names only npm scripts that exist", (path) => {
    const scripts = [...read(path).matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name);
    for (const script of scripts) expect(manifest.scripts).toHaveProperty(script ?? "");
  });

  it("docs/architecture.md gives every dependency with its reason", () => {
    const rows = [...(sections(read("docs/architecture.md"), 2).get("Dependencies") ?? "").matchAll(/^\| `([^`]+)` \| .{10,} \|$/gm)].map(([, name]) => name);
    expect(new Set(rows)).toEqual(new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)]));
    expect(rows).toHaveLength(new Set(rows).size);
  });

  it("CHANGELOG.md has the manifest's version on top", () => {
    expect([...sections(read("CHANGELOG.md"), 2).keys()][0]).toMatch(new RegExp(`^${manifest.version.replaceAll(".", "\\.")}( |$)`));
  });
});

describe("package.json", () => {
  it("pins every version, so that a checkout of today is the same tomorrow", () => {
    for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) expect(version).toMatch(/^(npm:[a-z]+@)?\d+\.\d+\.\d+$/);
  });
});
