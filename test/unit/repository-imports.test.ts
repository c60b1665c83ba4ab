/** The import-direction check, checked: it sees every module, and each of its rules can fail. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryFolder, runNode, writeTree } from "../support/run-tool.ts";

const rulesFile = join(repositoryFolder, ".dependency-cruiser.json");
const folders = ["src", "schemas", "upcasters", "handlers", "examples", "test", "bench"];

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: { readonly violations: readonly { readonly from: string; readonly to: string; readonly rule: { readonly name: string } }[] };
}

async function cruise(cwd: string, ...paths: readonly string[]): Promise<Cruise> {
  const depcruise = join(repositoryFolder, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const { stdout, stderr } = await runNode(cwd, depcruise, "--config", rulesFile, "--output-type", "json", ...paths);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Cruise;
}

/** Rule, file that breaks it, what it imports. Half of them are type-only imports, which leave no trace at run time. */
const planted: readonly (readonly [rule: string, from: string, statement: string, to: string])[] = [
  ["errors-import-nothing", "src/errors.ts", 'import type { P } from "./log/event-log.ts";', "src/log/event-log.ts"],
  ["event-imports-nothing", "src/event/wrong.ts", 'import type { P } from "../catalog/ok.ts";', "src/catalog/ok.ts"],
  ["catalog-imports-event", "src/catalog/wrong.ts", 'import type { P } from "../log/event-log.ts";', "src/log/event-log.ts"],
  ["access-imports-log-and-before", "src/access/wrong.ts", 'import type { P } from "../store/ok.ts";', "src/store/ok.ts"],
  ["log-imports-catalog-and-event", "src/log/wrong.ts", 'import { p } from "../delivery/ok.ts";', "src/delivery/ok.ts"],
  ["delivery-imports-records-and-before", "src/delivery/wrong.ts", 'import type { P } from "../replay/ok.ts";', "src/replay/ok.ts"],
  ["partition-is-pure", "src/delivery/partition/wrong.ts", 'import type { P } from "../ok.ts";', "src/delivery/ok.ts"],
  ["partition-is-pure", "src/delivery/partition/io.ts", 'import { readFileSync } from "node:fs";', "fs"],
  ["views-import-records-and-before", "src/views/wrong.ts", 'import { p } from "../delivery/ok.ts";', "src/delivery/ok.ts"],
  ["replay-imports-delivery-and-views-model", "src/replay/wrong.ts", 'import { p } from "../views/ok.ts";', "src/views/ok.ts"],
  ["retention-imports-delivery-and-before", "src/retention/wrong.ts", 'import type { P } from "../store/ok.ts";', "src/store/ok.ts"],
  ["records-import-log-and-before", "src/records/wrong.ts", 'import type { P } from "../delivery/ok.ts";', "src/delivery/ok.ts"],
  ["alerts-import-delivery-and-views-model", "src/alerts/wrong.ts", 'import { p } from "../views/ok.ts";', "src/views/ok.ts"],
  ["store-imports-replay-and-before", "src/store/wrong.ts", 'import { p } from "../views/ok.ts";', "src/views/ok.ts"],
  ["ownership-rules-are-pure", "src/delivery/ownership/rules/wrong.ts", 'import type { P } from "../../ok.ts";', "src/delivery/ok.ts"],
  ["integration-rules-are-pure", "src/delivery/integrations/fuse.ts", 'import { p } from "../ok.ts";', "src/delivery/ok.ts"],
  ["telemetry-imports-store-and-before", "src/telemetry/wrong.ts", 'import type { P } from "../views/ok.ts";', "src/views/ok.ts"],
  ["telemetry-is-put-on-from-outside", "src/http/measured.ts", 'import type { P } from "../telemetry/ok.ts";', "src/telemetry/ok.ts"],
  ["config-imports-what-a-definition-says", "src/config/wrong.ts", 'import { p } from "../delivery/ok.ts";', "src/delivery/ok.ts"],
  ["verify-imports-nothing", "src/verify/wrong.ts", 'import type { P } from "../event/names.ts";', "src/event/names.ts"],
  ["only-open-log-sees-adapters", "src/http/wrong.ts", 'import { p } from "../log/sqlite.ts";', "src/log/sqlite.ts"],
  ["only-open-log-sees-adapters", "src/log/beside.ts", 'import { p } from "./sqlite.ts";', "src/log/sqlite.ts"],
  ["only-open-log-sees-adapters", "src/top-of-all.ts", 'import { p } from "./log/sqlite.ts";', "src/log/sqlite.ts"],
  ["only-open-log-sees-adapters", "src/cli/wrong.ts", 'import type { P } from "../log/eventstoredb/ok.ts";', "src/log/eventstoredb/ok.ts"],
  ["only-tests-see-the-log-in-memory", "src/log/opens-memory.ts", 'import { p } from "./memory/ok.ts";', "src/log/memory/ok.ts"],
  ["nothing-in-src-imports-the-testing-kit", "src/cli/test-kit.ts", 'import type { P } from "../testing/ok.ts";', "src/testing/ok.ts"],
  ["edges-are-seen-by-main-only", "src/top.ts", 'import type { P } from "./http/ok.ts";', "src/http/ok.ts"],
  ["console-imports-shapes-of-the-wire", "src/console/wrong.ts", 'import type { P } from "../store/ok.ts";', "src/store/ok.ts"],
  ["console-imports-no-code-of-the-service", "src/console/code.tsx", 'import { p } from "../http/wire/ok.ts";', "src/http/wire/ok.ts"],
  ["nothing-imports-the-console", "src/cli/page.ts", 'import type { P } from "../console/ok.ts";', "src/console/ok.ts"],
  ["nothing-in-src-imports-the-barrel", "src/cli/barrel.ts", 'import { p } from "../index.ts";', "src/index.ts"],
  ["nothing-in-src-imports-the-barrel", "src/http/barrel.ts", 'import { p } from "reprise";', "src/index.ts"],
  ["example-imports-the-public-api", "handlers/wrong.ts", 'import { p } from "../src/log/sqlite.ts";', "src/log/sqlite.ts"],
  ["example-imports-the-public-api", "upcasters/wrong.ts", 'import type { P } from "../src/catalog/ok.ts";', "src/catalog/ok.ts"],
  ["src-imports-no-example-or-test", "src/http/example.ts", 'import { p } from "../../handlers/ok.ts";', "handlers/ok.ts"],
  ["src-imports-no-dev-dependency", "src/cli/dev.ts", 'import { p } from "dev-only";', "node_modules/dev-only/index.js"],
  ["no-cycles", "src/delivery/cycle-a.ts", 'import { p } from "./cycle-b.ts";', "src/delivery/cycle-b.ts"],
  ["resolvable", "src/cli/unresolved.ts", 'import { p } from "./nowhere.ts";', "./nowhere.ts"],
];

/** What the planted imports lead to, and imports that every rule must let pass. */
const innocent: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({
    name: "reprise",
    type: "module",
    exports: { ".": { "@reprise/source": "./src/index.ts", default: "./dist/index.js" } },
    devDependencies: { "dev-only": "1.0.0" },
  }),
  "node_modules/dev-only/package.json": JSON.stringify({ name: "dev-only", version: "1.0.0", type: "module", main: "./index.js" }),
  "node_modules/dev-only/index.js": "export const p = 1;",
  "src/log/event-log.ts": 'import { p } from "../event/ok.ts"; export type P = typeof p;',
  "src/event/ok.ts": 'import { p as q } from "./names.ts"; export const p = q;',
  "src/event/names.ts": "export const p = 1; export type P = 1;",
  "src/catalog/ok.ts": 'import { p as q } from "../event/ok.ts"; export const p = q; export type P = 1;',
  "src/log/sqlite.ts": 'import type { P } from "./event-log.ts"; export const p: P = 1;',
  "src/log/eventstoredb/ok.ts": 'import type { P } from "../event-log.ts"; export type { P };',
  "src/log/memory/ok.ts": "export const p = 1; export type P = 1;",
  "src/testing/ok.ts": 'import { p as q } from "../log/memory/ok.ts"; export const p = q; export type P = 1;',
  "src/http/wire/ok.ts": "export const p = 1; export type P = 1;",
  "src/console/ok.ts": 'import type { P } from "../http/wire/ok.ts"; export type { P };',
  "src/delivery/ok.ts": 'import type { P } from "../log/event-log.ts"; export const p: P = 1;',
  "src/delivery/cycle-b.ts": 'import { p as q } from "./cycle-a.ts"; export const p = q;',
  "src/store/ok.ts": "export type P = 1;",
  "src/telemetry/ok.ts": 'import type { P as Q } from "../store/ok.ts"; export type P = Q;',
  "src/records/ok.ts": "export type P = 1;",
  "src/views/model/ok.ts": "export type P = 1;",
  "src/views/ok.ts": 'import type { P } from "../records/ok.ts"; export const p: P = 1;',
  "src/replay/ok.ts": 'import type { P } from "../views/model/ok.ts"; import { p } from "../delivery/ok.ts"; export const q: P = p; export type { P };',
  "src/http/ok.ts": 'import { q } from "../replay/ok.ts"; export const p = q; export type P = 1;',
  "src/log/open-log.ts": 'import { p as q } from "./sqlite.ts"; export const p = q;',
  "src/compose.ts": 'import { p } from "./log/open-log.ts"; export const q = p;',
  "src/index.ts": 'export { q as p } from "./compose.ts";',
  "src/main.ts": 'import { q } from "./compose.ts"; import { p } from "./http/ok.ts"; console.log(p, q);',
  "handlers/ok.ts": 'import { p as q } from "reprise"; export const p = q;',
};

function tsFilesOf(folder: string): string[] {
  return readdirSync(join(repositoryFolder, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => `${folder}/${path}`)
    .sort();
}

describe("the import-direction check", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-imports-"));
  let found: readonly (readonly [rule: string, from: string, to: string])[] = [];

  beforeAll(async () => {
    cpSync(join(repositoryFolder, "tsconfig.json"), join(folder, "tsconfig.json"));
    writeTree(folder, { ...innocent, ...Object.fromEntries(planted.map(([, from, statement]) => [from, `${statement}\nexport const p = 1;\n`])) });
    const { summary } = await cruise(folder, "src", "handlers", "upcasters");
    found = summary.violations.map(({ rule, from, to }) => [rule.name, from, to] as const);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(planted)("%s fires for %s: %s", (rule, from, _statement, to) => {
    expect(found).toContainEqual([rule, from, to]);
  });

  it("fires for nothing else", () => {
    const expected = planted.map(([rule, from, , to]) => [rule, from, to].join(" ")).sort();
    expect(found.map((violation) => violation.join(" ")).sort()).toEqual(expected);
  });

  it("has no rule without a planted failure", () => {
    const rules = (JSON.parse(readFileSync(rulesFile, "utf8")) as { forbidden: { name: string; severity: string }[] }).forbidden;
    expect(new Set(rules.map(({ name }) => name))).toEqual(new Set(planted.map(([rule]) => rule)));
    expect(new Set(rules.map(({ severity }) => severity))).toEqual(new Set(["error"]));
  });

  it("sees every module of src in the real run, and finds nothing", async () => {
    const { modules, summary } = await cruise(repositoryFolder, ...folders);
    const seen = modules.map(({ source }) => source).filter((source) => source.startsWith("src/"));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.sort()).toEqual(tsFilesOf("src"));
    expect(summary.violations).toEqual([]);
  });
});
