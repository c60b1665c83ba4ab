/** The package as its users get it: packed, installed into an empty project, used as a library, as a command and by the compiler. */
import { spawn } from "node:child_process";
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { snippetsOf } from "../support/doc-snippets.ts";
import { blocksOfReadme, commandsThatInitPrints, followReadme } from "../support/newcomer.ts";
import { repositoryFolder, run, runNode, writeTree } from "../support/run-tool.ts";
import { someOf } from "../support/sizes.ts";
import { errorsByLine, forProject, programOf, wrongUsesOf } from "../support/typed-uses.ts";

const uses = {
  "right-uses.ts": forProject("test/types/right-uses.test-d.ts"),
  "wrong-uses.ts": forProject("test/types/wrong-uses.test-d.ts"),
};
const wrongUses = wrongUsesOf("test/types/wrong-uses.test-d.ts");
const manifest = JSON.parse(readFileSync(join(repositoryFolder, "package.json"), "utf8")) as { readonly version: string };

const config = `
import { defineConfig, defineEvent, defineHandler, defineUpcasters, Terminal } from "reprise";
import { z } from "zod";

const placed = defineEvent("order.placed", {
  1: z.object({ total: z.number() }),
  2: z.object({ totalCents: z.int() }),
});
const placedUpcasters = defineUpcasters(placed, { 1: (data) => ({ totalCents: Math.round(data.total * 100) }) });

export default defineConfig({
  events: [placed],
  upcasters: [placedUpcasters],
  handlers: [
    defineHandler({
      name: "ledger",
      events: [placed],
      on: {
        "order.placed": (event) => {
          const cents: number = event.data.totalCents;
          if (cents < 0) throw new Terminal("negative total");
        },
      },
    }),
  ],
});
`;

const kitInVitest = `
import { makeTestStore } from "reprise/testing";
import config from "../reprise.config.ts";

test("an order is set aside, and replayed", async () => {
  const kit = await makeTestStore(config);
  kit.failNext("ledger", new Error("away"), 3);
  await kit.deliver("ledger", { type: "order.placed", entity: { type: "order", id: "1" }, data: { totalCents: 900 } });
  await kit.clock.advance(60_000);
  const letter = await kit.assertLetter({ handler: "ledger", cause: "exhausted" });
  expect((await kit.store.replay(letter.id)).status).toBe("replayed");
  await kit.assertDone();
});
`;

/** Pages whose examples are small projects with tests. */
const pages = ["testing", "recipes"];

const pageOptions = JSON.stringify({
  compilerOptions: {
    ...{ module: "nodenext", target: "es2024", strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
    ...{ types: ["node"], typeRoots: [join(repositoryFolder, "node_modules/@types")] },
  },
});

const library = `
import { defineConfig, defineEvent, openStore } from "reprise";
import { z } from "zod";

const config = defineConfig({ events: [defineEvent("order.placed", { 1: z.object({ total: z.number() }) })], upcasters: [], handlers: [] });
const store = await openStore(config, { log: "sqlite:./library-data" });
await store.append({ type: "order.placed", entity: { type: "order", id: "1" }, data: { total: 1.5 } });
const { events } = await store.readEntity({ type: "order", id: "1" });
console.log(JSON.stringify(events.map(({ data }) => data)));
await store.close();
`;

/** In blocks of 4 KiB, as `du` counts. */
function onDiskBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce((sum, path) => {
    const { size } = lstatSync(join(folder, path));
    return sum + Math.ceil(size / 4096) * 4096;
  }, 0);
}

describe("the packed package", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-package-"));
  /** Empty at first: a newcomer's. */
  const newcomer = join(folder, "a new comer");
  const project = join(folder, "project");
  /** Not inside the project: nothing of its node_modules can be found from here. */
  const elsewhere = join(folder, "elsewhere");
  let installMs = 0;
  const installedBin = join(project, "node_modules/reprise/bin/reprise.js");

  beforeAll(async () => {
    // Packed from a copy, so that the checkout gets no dist.
    const copy = join(folder, "copy");
    for (const path of ["package.json", "tsconfig.json", "tsconfig.build.json", "src", "bundle", "bin", "docs", "README.md", "CHANGELOG.md", "LICENSE"])
      cpSync(join(repositoryFolder, path), join(copy, path), { recursive: true });
    symlinkSync(join(repositoryFolder, "node_modules"), join(copy, "node_modules"));
    const packed = await run("npm", ["pack", "--pack-destination", folder], copy);
    expect(packed, packed.stderr).toMatchObject({ code: 0 });

    mkdirSync(project);
    writeTree(project, {
      "package.json": JSON.stringify({ name: "empty-project", private: true, type: "module" }),
      "library.mjs": library,
      "reprise.config.ts": config,
      ...uses,
      "tsconfig.json": JSON.stringify({
        compilerOptions: { module: "nodenext", target: "es2024", strict: true, noEmit: true, skipLibCheck: false, types: [] },
        include: ["*.ts"],
      }),
    });
    for (const page of pages) writeTree(join(project, page), { ...snippetsOf(`docs/${page}.md`), "tsconfig.json": pageOptions });
    writeTree(join(project, "library"), { "page.ts": programOf("docs/library.md"), "tsconfig.json": pageOptions });
    writeTree(elsewhere, { "reprise.config.ts": config });
    const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
    mkdirSync(newcomer);
    const begunMs = performance.now();
    const installed = await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", join(folder, tarball)], newcomer);
    installMs = performance.now() - begunMs;
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    symlinkSync(join(newcomer, "node_modules"), join(project, "node_modules")); // one install serves all
  }, 180_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("holds what it needs and nothing else", () => {
    expect(readdirSync(join(project, "node_modules/reprise")).toSorted()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "docs",
      "package.json",
    ]);
  });

  it("is as large as the README says", () => {
    const [, packages, megabytes] = /(\d+) packages, (\d+) MB/.exec(readFileSync(join(repositoryFolder, "README.md"), "utf8")) ?? [];
    const lock = JSON.parse(readFileSync(join(newcomer, "package-lock.json"), "utf8")) as { readonly packages: object };
    expect(Object.keys(lock.packages).length - 1).toBe(Number(packages)); // one is the project itself
    expect(Math.abs(onDiskBytes(join(newcomer, "node_modules")) / 2 ** 20 - Number(megabytes))).toBeLessThan(4);
  });

  it("takes a newcomer through the README, from an empty folder to a handler that appends, in under a minute", async () => {
    const begunMs = performance.now();
    const { commands, served } = await followReadme(newcomer);
    expect(installMs + performance.now() - begunMs).toBeLessThan(60_000);
    const said = (line: string, nth = 0) => commands.filter((command) => command.line.startsWith(line))[nth]?.stdout;
    const [, firstBlock, secondBlock] = blocksOfReadme().map((block) => ("commands" in block ? block.commands : []));
    expect(commandsThatInitPrints(said("npx reprise init") ?? "")).toEqual([...firstBlock!, ...secondBlock!].slice(1));
    expect(said("npm test")).toMatch(/^(ℹ|#) pass 3$/m);
    expect(said("npx reprise dlq ls")).toMatch(/mailer +order\/1 .*order.placed +exhausted +2 .*Error: the mail server does not answer/);
    expect(said("npx reprise dlq replay")).toMatch(/succeeded +1\nfailed +0\n/);
    expect(said("npx reprise handlers ls")).toMatch(/mailer +running +2 +2 +0 /);
    expect(served[0]!.split("\n").filter((line) => line.startsWith("mailed:"))).toEqual(["mailed: order 1, 1250 cents", "mailed: order 1, 900 cents"]);
    expect(said("npx reprise add event")).toContain("Left to do:");
    expect(said("npm test", 1)).toMatch(/^(ℹ|#) pass 4$/m);
    const shipped = said("npx reprise events ls") ?? "";
    expect(shipped.match(/order\/1 .*order.shipped|order.shipped .*order\/1 /g), shipped).toHaveLength(2);
    expect(shipped.match(/order\/2 .*order.shipped|order.shipped .*order\/2 /g), shipped).toHaveLength(1);
    const compiler = join(repositoryFolder, "node_modules/typescript-7/bin/tsc");
    expect(await runNode(newcomer, compiler, "--typeRoots", join(repositoryFolder, "node_modules/@types"))).toMatchObject({ code: 0, stdout: "" });
  });

  it("is a library: import { openStore } from reprise", async () => {
    const { code, stdout, stderr } = await runNode(project, "library.mjs");
    expect(stderr).toBe("");
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[{"total":1.5}]\n' });
  });

  it("brings no client of a log server, and says how to install it where one is needed", async () => {
    const packages = readdirSync(join(newcomer, "node_modules"));
    expect(packages).not.toContain("@eventstore");
    expect(packages).not.toContain("protobufjs");
    const { code, stderr } = await runNode(project, installedBin, "serve", "--log", "esdb://127.0.0.1:9?tls=false", "--data", "server-data");
    expect(stderr).toContain("npm install @eventstore/db-client");
    expect(code).toBe(2);
  });

  it("is a command: npx reprise", async () => {
    expect(readdirSync(join(project, "node_modules/.bin"))).toContain("reprise");
    const { code, stdout } = await runNode(project, installedBin, "--version");
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${manifest.version}\n` });
  });

  describe.each(someOf(2, ["typescript-5.8", "typescript-7", "typescript"]))(
    "its types, with %s, in a strict project that checks its libraries, too",
    (compiler) => {
      let errors: ReadonlyMap<string, string>;
      beforeAll(async () => {
        const tsc = join(repositoryFolder, "node_modules", compiler, "bin/tsc");
        errors = errorsByLine((await runNode(project, tsc, "-p", ".", "--pretty", "true")).stdout, uses);
      }, 60_000);

      it("fit each right use", () => {
        expect([...errors].filter(([place]) => !place.startsWith("wrong-uses.ts:"))).toEqual([]);
      });

      it("refuse each wrong use, and the message names the field", () => {
        const silent = wrongUses.filter(({ line, field }) => !errors.get(`wrong-uses.ts:${line}`)?.includes(field));
        expect(silent.map(({ line, field, what }) => `line ${line}, ${field}: ${what}: ${errors.get(`wrong-uses.ts:${line}`) ?? "compiles"}`)).toEqual([]);
        expect(errors.size).toBe(wrongUses.length);
        expect(wrongUses.length).toBeGreaterThanOrEqual(60);
      });
    },
  );

  it("fits the program of docs/library.md", async () => {
    expect(await runNode(join(project, "library"), join(repositoryFolder, "node_modules/typescript-7/bin/tsc"), "-p", ".")).toMatchObject({
      code: 0,
      stdout: "",
    });
  });

  it.each(pages)("runs the examples of docs/%s.md on Node's own test runner, and their types fit", async (page) => {
    const { code, stdout } = await runNode(join(project, page), "--test");
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^(ℹ|#) fail 0$/m) });
    expect(await runNode(join(project, page), join(repositoryFolder, "node_modules/typescript-7/bin/tsc"), "-p", ".")).toMatchObject({ code: 0, stdout: "" });
  });

  it("has a testing kit that vitest runs, too", async () => {
    const folder = join(project, "with-vitest");
    writeTree(folder, { "kit.spec.ts": kitInVitest });
    const { code, stdout, stderr } = await runNode(project, join(repositoryFolder, "node_modules/vitest/vitest.mjs"), "run", "--globals", "--root", folder);
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: expect.stringMatching(/Tests.*1 passed/) });
  });

  it.each([
    ["the project's folder", project],
    ["a folder without node_modules", elsewhere],
  ])("serves a TypeScript config in %s", async (_where, cwd) => {
    const service = spawn(process.execPath, [installedBin, "serve", "--config", "reprise.config.ts"], {
      cwd,
      env: { ...process.env, REPRISE_PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    service.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => service.once("close", resolve));
    try {
      let url: string | undefined;
      for await (const line of createInterface(service.stdout)) {
        const entry = JSON.parse(line) as { readonly msg?: string; readonly url?: string };
        if (entry.msg !== "listening") continue;
        url = entry.url;
        break;
      }
      expect(url, stderr).toBeDefined();
      const script = /src="([^"]+)"/.exec(await (await fetch(`${url}/console`)).text())?.[1];
      expect((await fetch(`${url}/${script}`)).status).toBe(200);
      const reply = await fetch(`${url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ type: "order.placed", schema_version: 1, entity: { type: "order", id: "1" }, data: { total: 2 } }),
      });
      expect(reply.status).toBe(201);
      const page = (await (await fetch(`${url}/entities/order/1/events`)).json()) as { readonly events: readonly { readonly data: unknown }[] };
      expect(page.events.map(({ data }) => data)).toEqual([{ totalCents: 200 }]);
    } finally {
      service.kill("SIGTERM");
    }
    expect(await ended, stderr).toBe(0);
  });
});
