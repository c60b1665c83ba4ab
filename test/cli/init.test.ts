/** `reprise init` and `reprise add`: what they write runs, and they spoil nothing. The package's own test runs the project on what is installed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { answerTo } from "../support/cli.ts";
import { repositoryFolder, runNode, writeTree } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const reprise = (...args: readonly string[]) => answerTo(args, { cwd: folder });
const read = (path: string) => readFileSync(join(folder, path), "utf8");
const manifest = (path = "package.json") => JSON.parse(read(path)) as { readonly [member: string]: unknown; readonly scripts: Record<string, string> };
const filesIn = (path: string) =>
  readdirSync(join(folder, path), { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted((a, b) => (a < b ? -1 : 1));

/** Runs the project's own tests against this checkout. */
async function runTests() {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const [name, target] of [["reprise", repositoryFolder], ["zod", join(repositoryFolder, "node_modules/zod")]] as const) // biome-ignore format: one line
    if (!existsSync(join(folder, "node_modules", name))) symlinkSync(target, join(folder, "node_modules", name));
  return runNode(folder, "--conditions=@reprise/source", "--test");
}

describe("init", () => {
  it("makes an empty folder a project whose tests pass, and prints the commands that follow", async () => {
    const { code, stdout } = await reprise("init");
    expect(code).toBe(0);
    const paths = [
      ".gitignore",
      "handlers/mailer.ts",
      "package.json",
      "reprise.config.ts",
      "schemas/index.ts",
      "schemas/order.placed/index.ts",
      "schemas/order.placed/v1.ts",
      "schemas/order.placed/v2.ts",
      "test/mailer.test.ts",
      "tsconfig.json",
      "upcasters/index.ts",
      "upcasters/order.placed/index.ts",
      "upcasters/order.placed/v1-to-v2.ts",
    ];
    expect(filesIn(".")).toEqual(paths);
    for (const path of paths) expect(stdout).toContain(`  ${path}\n`);
    expect(manifest()).toMatchObject({ private: true, type: "module", scripts: { start: "reprise serve", test: "node --test" } });
    expect(manifest().dependencies).toEqual({ reprise: "^0.1.0", zod: expect.stringMatching(/^\^4\./) });
    expect(stdout).toMatch(/\n {2}npm install reprise zod\n {2}npm test\n {2}npx reprise serve\n/);
    expect(stdout).toContain("npm i -D typescript @types/node, then npx tsc");
    const { code: passed, stdout: report } = await runTests();
    expect(report).toMatch(/^(ℹ|#) pass 3$/m);
    expect(passed).toBe(0);
  });

  it("makes the folder that is named, called after it, and a compose file where one is wanted", async () => {
    const { code, stdout } = await reprise("init", "My Shop/événements", "--compose", "--yes");
    expect(code).toBe(0);
    expect(manifest("My Shop/événements/package.json").name).toBe("v-nements");
    expect(parse(read("My Shop/événements/compose.yml"))).toMatchObject({ services: { log: { image: expect.stringMatching(/^eventstore\/eventstore:/) } } });
    expect(stdout).toContain("cd 'My Shop/événements'\n");
  });

  it.each([
    ["what npm leaves after an install", { dependencies: { reprise: "1" } }],
    ["what npm init writes", { name: "x", main: "index.js", scripts: { test: 'echo "Error: no test specified" && exit 1' }, type: "commonjs" }],
  ])("adds to %s what is missing, and keeps the rest", async (_what, before) => {
    writeFileSync(join(folder, "package.json"), JSON.stringify(before, null, 4));
    const { code, stdout } = await reprise("init");
    expect(code).toBe(0);
    expect(manifest()).toEqual({ ...before, type: "module", scripts: { start: "reprise serve", test: "node --test" } });
    expect(read("package.json")).toMatch(/^\{\n {4}"/);
    expect(stdout).toContain('package.json was there; it has now "type": "module", the script test: node --test, the script start: reprise serve.');
  });

  it("leaves a project of ES modules its own scripts and settings", async () => {
    const own = { type: "module", scripts: { start: "node .", test: "vitest run" } };
    writeTree(folder, { "package.json": JSON.stringify(own), "tsconfig.json": "{}", "index.js": "", ".gitignore": "dist" });
    const { code, stdout } = await reprise("init");
    expect(code).toBe(0);
    expect([manifest(), read("tsconfig.json"), read(".gitignore")]).toEqual([own, "{}", "dist"]);
    expect(stdout).toContain("Left as they were: tsconfig.json, .gitignore.");
  });

  it.each<[string, Record<string, string>, number, string]>([
    ["a project of CommonJS", { "package.json": '{ "type": "commonjs" }', "index.js": "" }, 4, "Give Reprise a folder of its own"],
    ["a package.json that is none", { "package.json": "[1]" }, 2, "is not the JSON object that npm reads"],
    ["a project that is there already", { "reprise.config.ts": "export default 1;" }, 4, "has reprise.config.ts that would be written"],
    ["one file that would be written", { "test/mailer.test.ts": "mine" }, 4, "Nothing was written"],
  ])("writes nothing into %s", async (_what, files, exitCode, why) => {
    writeTree(folder, files);
    const before = filesIn(".").map((path) => [path, read(path)]);
    const { code, stdout, stderr } = await reprise("init");
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
    expect(stderr).toContain(why);
    expect(filesIn(".").map((path) => [path, read(path)])).toEqual(before);
  });

  it("writes over nothing that a link hides, and into no file's place", async () => {
    symlinkSync(join(folder, "nowhere"), join(folder, "reprise.config.ts"));
    expect((await reprise("init")).code).toBe(4);
    writeFileSync(join(folder, "taken"), "mine");
    const { code, stderr } = await reprise("init", "taken");
    expect(code).toBe(2);
    expect(stderr).toContain("is no folder. Nothing was written.");
    const below = await reprise("init", "taken/below");
    expect(below.code).not.toBe(0);
    expect(read("taken")).toBe("mine");
  });
});

describe("add", () => {
  beforeEach(async () => {
    await reprise("init");
  });

  it("event: writes a schema that nobody can forget to write on, and lists it", async () => {
    const { code, stdout } = await reprise("add", "event", "order.shipped");
    expect(code).toBe(0);
    expect(stdout).toContain("made     schemas/order.shipped/v1.ts");
    expect(stdout).toContain("changed  schemas/index.ts");
    expect(stdout).toContain("Left to do:\n  1. Write what its data is into schemas/order.shipped/v1.ts.");
    expect((await runTests()).stdout).toContain("schemas/order.shipped/v1.ts: write what the data is, and delete this line.");
    expect((await reprise("add", "version", "order.shipped")).stderr).toContain("schemas/order.shipped/v1.ts is not written yet");
    writeFileSync(join(folder, "schemas/order.shipped/v1.ts"), read("schemas/order.shipped/v1.ts").replace(/^throw .*\n/m, ""));
    expect(await runTests()).toMatchObject({ code: 0 });
  });

  it("version: writes the schema as it was and a step that has to be written, and lists both", async () => {
    const { code, stdout } = await reprise("add", "version", "order.placed");
    expect(code).toBe(0);
    expect(read("schemas/order.placed/v3.ts")).toContain("export const v3 = z.object({ totalCents: z.int() });");
    expect(read("schemas/order.placed/v3.ts")).toContain("say what has changed since version 2");
    expect(stdout).toContain("changed  schemas/order.placed/index.ts");
    expect((await runTests()).stdout).toContain("upcasters/order.placed/v2-to-v3.ts: write the step, and delete this line.");
    writeFileSync(join(folder, "upcasters/order.placed/v2-to-v3.ts"), read("upcasters/order.placed/v2-to-v3.ts").replace(/^throw .*\n/m, ""));
    expect(await runTests()).toMatchObject({ code: 0 });
    expect((await reprise("add", "version", "order.placed")).code).toBe(0);
    expect(read("upcasters/order.placed/index.ts")).toContain("{ 1: v1ToV2, 2: v2ToV3, 3: v3ToV4 }");
  });

  it("leaves a list that somebody has written into, and says what it needs", async () => {
    const mine = `${read("schemas/index.ts")}// mine\n`;
    writeFileSync(join(folder, "schemas/index.ts"), mine);
    const { stdout } = await reprise("add", "event", "order.shipped");
    expect(read("schemas/index.ts")).toBe(mine);
    expect(stdout).toContain("You have written into schemas/index.ts: add orderShipped there.");
  });

  it.each([
    [["event", "order placed"], 2, "is no event type"],
    [["event", "../../outside"], 2, "is no event type"],
    [["event", "a..b"], 2, "is no event type"],
    [["event", "order.placed"], 4, "is there already"],
    [["event", "order_placed"], 4, "would be called orderPlaced in the code, as order.placed is"],
    [["version", "order.shipped"], 2, "This project has no event type order.shipped. It has order.placed."],
  ] as const)("%j is refused, and nothing written", async (args, exitCode, why) => {
    const before = filesIn(".");
    const { code, stdout, stderr } = await reprise("add", ...args);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
    expect(stderr).toContain(why);
    expect(filesIn(".")).toEqual(before);
  });

  it("takes names that are words of the language", async () => {
    for (const type of ["delete", "events", "v1", "z", "default", "Order-Shipped", "x.constructor"]) {
      expect((await reprise("add", "event", type)).code).toBe(0);
      const file = `schemas/${type}/v1.ts`;
      writeFileSync(join(folder, file), read(file).replace(/^throw .*\n/m, ""));
    }
    expect(await runTests()).toMatchObject({ code: 0 });
  });

  it("is told where there is no project", async () => {
    folder = temporaryFolder();
    const { code, stderr } = await reprise("add", "event", "order.shipped");
    expect(code).toBe(2);
    expect(stderr).toContain("npx reprise init");
  });
});
