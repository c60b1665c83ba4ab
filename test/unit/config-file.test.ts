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
  "module.config.mjs": "const a = 1;\nconst b = {{;\nexport default {};",
  "imports-module.config.ts": 'import "./module.config.mjs";\nexport default {};',
  "twice.config.ts": 'import "reprise";\nconst a = 1;\nconst a = 2;\nexport default {};',
  "enum.config.ts": "enum A { B }\nexport default A;",
  "no-package.config.ts": 'import x from "no-such-package";\nexport default x;',
  "no-name.config.ts": 'import { defineNothing } from "reprise";\nexport default defineNothing;',
  "throws.config.ts": 'throw new TypeError("first line\\nsecond line");',
  "deep/boom.ts": 'export function boom(): never {\n  throw new RangeError("deep");\n}',
  "calls-what-throws.config.ts": 'import { boom } from "./deep/boom.ts";\nboom();\nexport default {};',
  "zod-throws.config.ts": 'import { z } from "zod";\n\nz.object({}).extend(5 as never);\nexport default {};',
  "define-throws.config.ts": 'import { defineHandler } from "reprise";\n\nexport default { handlers: [defineHandler(null as never)] };',
  "reads-zod.config.ts": 'import { z } from "zod";\nz.object({ a: z.string() }).parse({});\nexport default {};',
  "no-file.config.ts": 'const a = 1;\nimport { boom } from "./deep/boom.ts";\nimport b from "./deep/none.ts";\nexport default {};',
  "no-extension.config.ts": '\nimport { boom } from "./deep/boom";\nexport default {};',
  "lost-stack.config.ts": 'const e = new Error("m");\nObject.defineProperty(e, "stack", { get() { throw 1; } });\nthrow e;',
  "parses.config.ts": 'const a = 1;\nJSON.parse("{");\nexport default {};',
  "promise.config.ts": "export default Promise.resolve({ events: [] });",
  "function.config.ts": "export default () => ({ events: [] });",
  "map.config.ts": "export default new Map();",
  "never.config.ts": "await new Promise(() => {});\nexport default {};",
  "getter.config.ts": 'export default { events: [], get handlers() {\n  throw new Error("no handlers today");\n} };',
  "lazy.config.ts":
    'import { z } from "zod";\nimport { defineEvent } from "reprise";\nconst e = defineEvent("a.b", {\n  1: z.object({ get x() {\n    return nope.y;\n  } }) });\ndeclare const nope: any;\nexport default { events: [e] };',
  "throws-text.config.ts": 'throw "secret";',
  "no-default.config.ts": "export const config = {};",
  "default-text.config.ts": 'export default "config";',
  "none/readme.txt": "",
};
const script = `
  import { loadConfig } from ${JSON.stringify(new URL("src/config/load-config.ts", `file://${repositoryFolder}`).href)};
  import { RepriseError, Terminal } from ${JSON.stringify(new URL("src/index.ts", `file://${repositoryFolder}`).href)};
  import { checkConfig } from ${JSON.stringify(new URL("src/config/config.ts", `file://${repositoryFolder}`).href)};
  const checked = ["getter.config.ts", "lazy.config.ts"];
  const outcomes = {};
  for (const file of process.argv.slice(2)) {
    try {
      const config = await loadConfig(file, 2_000);
      if (checked.includes(file)) checkConfig(config);
      const { events, handlers, limits } = config;
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
    ["module.config.mjs", /syntax error at [^\n]*\/module\.config\.mjs:2: Unexpected token/],
    ["imports-module.config.ts", /syntax error at [^\n]*\/module\.config\.mjs:2: Unexpected token/],
    ["twice.config.ts", /syntax error at [^\n]*\/twice\.config\.ts:3: Identifier 'a' has already been declared/],
    ["enum.config.ts", /syntax error at .*enum\.config\.ts:1: .*enum/],
    ["no-package.config.ts", /imports what cannot be found at .*no-package\.config\.ts:1: Cannot find package 'no-such-package'/],
    ["no-name.config.ts", /no-name\.config\.ts:1: .*does not provide an export named 'defineNothing'/],
    ["throws.config.ts", /failed while it was loaded at [^\n]*\/throws\.config\.ts:1: TypeError: first line$/],
    ["calls-what-throws.config.ts", /failed while it was loaded at [^\n]*\/deep\/boom\.ts:2: RangeError: deep$/],
    ["zod-throws.config.ts", /failed while it was loaded at [^\n]*\/zod-throws\.config\.ts:3: /],
    ["define-throws.config.ts", /failed while it was loaded at [^\n]*\/define-throws\.config\.ts:3: TypeError: /],
    ["reads-zod.config.ts", /failed while it was loaded at [^\n]*\/reads-zod\.config\.ts:2: ZodError: [^\n]*expected string/],
    ["no-file.config.ts", /imports what cannot be found at [^\n]*\/no-file\.config\.ts:3: Cannot find module/],
    ["no-extension.config.ts", /imports what cannot be found at [^\n]*\/no-extension\.config\.ts:2: Cannot find module/],
    ["lost-stack.config.ts", /lost-stack\.config\.ts failed while it was loaded: Error: m$/],
    ["parses.config.ts", /failed while it was loaded at [^\n]*\/parses\.config\.ts:2: SyntaxError: /],
    ["promise.config.ts", /has a promise as its default export/],
    ["function.config.ts", /has a function as its default export/],
    ["map.config.ts", /no config as its default export, but something else/],
    ["never.config.ts", /has not loaded within 2 s: an await at its top/],
    ["getter.config.ts", /cannot be read at [^\n]*\/getter\.config\.ts:2: Error: no handlers today$/],
    ["lazy.config.ts", /Version 1 of event type "a\.b" cannot be read at [^\n]*\/lazy\.config\.ts:5: ReferenceError: nope is not defined$/],
    ["throws-text.config.ts", /threw a value that is no Error/],
    ["no-default.config.ts", /no config as its default export: end it with `export default defineConfig/],
    ["default-text.config.ts", /no config as its default export/],
  ])("refuses %s with CONFIG_INVALID", (file, message) => {
    expect(outcomes[file]).toEqual({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
  });
});
