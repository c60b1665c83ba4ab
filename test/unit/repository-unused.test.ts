/** The unused-code check, checked: a planted tree with one finding of each kind, judged by the same settings. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryFolder, runNode, writeTree } from "../support/run-tool.ts";

interface Finding {
  readonly name: string;
}
interface Report {
  readonly issues: readonly (Readonly<Record<"files" | "exports" | "types" | "dependencies" | "unlisted" | "unresolved", readonly Finding[]>> & {
    readonly file: string;
  })[];
}

const planted = {
  "package.json": JSON.stringify({
    name: "reprise",
    type: "module",
    bin: { reprise: "bin/reprise.js" },
    exports: { ".": { "@reprise/source": "./src/index.ts" } },
    dependencies: { zod: "4.6.7", "never-imported": "1.0.0" },
  }),
  "bin/reprise.js": "await import(new URL('../src/main.ts', import.meta.url).href);",
  "reprise.config.ts": 'import { schema } from "./schemas/ok.ts"; import { api } from "reprise"; export default [schema, api];',
  "schemas/ok.ts": 'import { z } from "zod"; export const schema = z.string();',
  "src/index.ts": "export const api = 1;",
  "src/main.ts":
    'import { used } from "./log/used.ts"; import { nowhere } from "./nowhere.ts"; import { gift } from "not-in-the-manifest"; console.log(used, nowhere, gift);',
  "src/log/used.ts": "export const used = 1; export const unused = 2; export interface Unused { readonly a: 1 }",
  "src/log/orphan.ts": "export const a = 1;",
  "schemas/orphan.ts": "export const a = 1;",
  "upcasters/orphan.ts": "export const a = 1;",
  "handlers/orphan.ts": "export const a = 1;",
  "examples/one/orphan.ts": "export const a = 1;",
  "bench/orphan.ts": "export const a = 1;",
  "test/support/orphan.ts": "export const a = 1;",
};

describe("the unused-code check", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-unused-"));
  let report: Report;
  const found = (kind: Exclude<keyof Report["issues"][number], "file">): string[] =>
    report.issues.flatMap((issue) => issue[kind].map(({ name }) => (kind === "files" ? name : `${issue.file}: ${name}`))).sort();

  beforeAll(async () => {
    cpSync(join(repositoryFolder, "knip.json"), join(folder, "knip.json"));
    writeTree(folder, planted);
    const { code, stdout } = await runNode(folder, join(repositoryFolder, "node_modules/knip/bin/knip.js"), "--reporter", "json");
    expect(code).toBe(1);
    report = JSON.parse(stdout) as Report;
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("finds a file that nothing imports, in every folder", () => {
    expect(found("files")).toEqual([
      "bench/orphan.ts",
      "examples/one/orphan.ts",
      "handlers/orphan.ts",
      "schemas/orphan.ts",
      "src/log/orphan.ts",
      "test/support/orphan.ts",
      "upcasters/orphan.ts",
    ]);
  });

  it("finds exports and types that nobody uses", () => {
    expect(found("exports")).toEqual(["src/log/used.ts: unused"]);
    expect(found("types")).toEqual(["src/log/used.ts: Unused"]);
  });

  it("finds dependencies that are not imported, not declared, or not there", () => {
    expect(found("dependencies")).toEqual(["package.json: never-imported"]);
    expect(found("unlisted")).toEqual(["src/main.ts: not-in-the-manifest"]);
    expect(found("unresolved")).toEqual(["src/main.ts: ./nowhere.ts"]);
  });

  it("is part of npm run check, with the import direction, the types, the linter and the schemas", () => {
    const { scripts } = JSON.parse(readFileSync(join(repositoryFolder, "package.json"), "utf8")) as { scripts: Readonly<Record<string, string>> };
    const atOnce = Array.from(scripts.check!.matchAll(/'node --run ([a-z:]+)'/g), ([, name]) => scripts[name!]!.split(" ")[0]);
    expect(atOnce).toEqual(["tsc", "biome", "depcruise", "knip", "node"]);
    expect(scripts.check).toMatch(/^[.]ci[/]at-once .* && vitest run test[/]unit$/);
  });
});
