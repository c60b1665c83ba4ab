import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryFolder, runNode, writeTree } from "../support/run-tool.ts";

/** A folder outside the repository, where neither "reprise" nor "zod" is installed; loaded by Node itself, since vitest resolves in its own way. */
let folder: string;
type Outcome = { readonly config: string } | { readonly code: string; readonly message: string };
let outcomes: Readonly<Record<string, Outcome>>;

const files = {
  "good.config.ts": `
    import { z } from "zod";
    import { defineConfig, defineEvent, RepriseError, Terminal } from "reprise";
    import { on } from "./handlers/on.ts";
    const a: string = "a.b";
    export default defineConfig({ events: [defineEvent(a, { 1: z.object({}) })], handlers: [on], limits: { Terminal, RepriseError } as never });`,
  "handlers/on.ts": `
    import { defineHandler } from "reprise";
    export const on = defineHandler({ name: "on", on: { "a.b": () => {} } });`,
  "cut-off.config.ts": "export default {{",
  "imports-cut-off.config.ts": 'import "./cut-off.config.ts";\nexport default {};',
  "enum.config.ts": "enum A { B }\nexport default A;",
  "no-package.config.ts": 'import x from "no-such-package";\nexport default x;',
  "no-name.config.ts": 'import { defineNothing } from "reprise";\nexport default defineNothing;',
  "throws.config.ts": 'throw new TypeError("first line\\nsecond line");',
  "throws-text.config.ts": 'throw "secret";',
  "no-default.config.ts": "export const config = {};",
  "default-text.config.ts": 'export default "config";',
  "none/readme.txt": "",
};
const script = `
  import { loadConfig } from ${JSON.stringify(new URL("src/load-config.ts", `file://${repositoryFolder}`).href)};
  import { RepriseError, Terminal } from ${JSON.stringify(new URL("src/index.ts", `file://${repositoryFolder}`).href)};
  const outcomes = {};
  for (const file of process.argv.slice(2)) {
    try {
      const { events, handlers, limits } = await loadConfig(file);
      const ours = limits.Terminal === Terminal && limits.RepriseError === RepriseError;
      outcomes[file] = { config: [events[0].type, handlers[0].name, ours ? "one copy" : "two copies"].join(", ") };
    } catch (error) {
      outcomes[file] = { code: error.code, message: error.message };
    }
  }
  console.log(JSON.stringify(outcomes));`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reprise-config-"));
  writeTree(folder, { ...files, "load.mts": script });
  const { stdout, stderr } = await runNode(folder, "load.mts", ...Object.keys(files), "missing.config.ts", "none");
  outcomes = JSON.parse(stdout || `{"stderr":${JSON.stringify(stderr)}}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("loadConfig", () => {
  it("loads TypeScript from any folder, with this copy of reprise and our zod", () => {
    expect(outcomes["good.config.ts"]).toEqual({ config: "a.b, on, one copy" });
  });

  it.each([
    ["missing.config.ts", /There is no config file .*missing\.config\.ts/],
    ["none", /There is no config file/],
    ["cut-off.config.ts", /syntax error at .*cut-off\.config\.ts:1: /],
    ["imports-cut-off.config.ts", /imports-cut-off\.config\.ts .*syntax error/],
    ["enum.config.ts", /syntax error.*enum/],
    ["no-package.config.ts", /imports what cannot be found: Cannot find package 'no-such-package'/],
    ["no-name.config.ts", /does not provide an export named 'defineNothing'/],
    ["throws.config.ts", /failed while it was loaded: TypeError: first line$/],
    ["throws-text.config.ts", /threw a value that is no Error/],
    ["no-default.config.ts", /no config as its default export: end it with `export default defineConfig/],
    ["default-text.config.ts", /no config as its default export/],
  ])("refuses %s with CONFIG_INVALID", (file, message) => {
    expect(outcomes[file]).toEqual({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
  });
});
