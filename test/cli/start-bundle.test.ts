/** `npm start` runs a bundle of the sources, which must be that of the sources as they are, and must be told from them by nothing but its speed. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const config = `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ cents: z.int() }) });
const ledger = defineHandler({
  name: "ledger", events: [placed], retry: { maxAttempts: 1 },
  on: { "order.placed": ({ data }) => { throw new RangeError(\`of \${data.cents} cents\`); } },
});
export default defineConfig({ events: [placed], handlers: [ledger] });
`;

/** Says on standard error, at an ordered end, which files were loaded. */
const told = `
import { registerHooks } from "node:module";
const files = [];
registerHooks({ load(url, context, next) { files.push(url); return next(url, context); } });
process.once("SIGTERM", () => console.error(JSON.stringify(files)));
`;

/** With packages of its own, so that what is kept beside them is its own, too. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), "reprise-checkout-"));
  for (const path of ["package.json", "src", "bin", "bundle"]) cpSync(join(repositoryFolder, path), join(folder, path), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  for (const name of readdirSync(join(repositoryFolder, "node_modules")))
    if (!name.startsWith(".")) symlinkSync(join(repositoryFolder, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "reprise.config.ts"), config);
  return folder;
}

const startFile = (JSON.parse(readFileSync(join(repositoryFolder, "package.json"), "utf8")) as { scripts: { start: string } }).scripts.start.split(" ").at(-2)!;

async function start(folder: string, program = startFile) {
  const env: NodeJS.ProcessEnv = { ...process.env, REPRISE_PORT: "0", REPRISE_LOG: `sqlite:${temporaryFolder()}` };
  delete env.NODE_COMPILE_CACHE; // kept where users have it
  const child = spawn(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(told)}`, program, "serve"], {
    ...{ cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  let said: { readonly msg: string; readonly url: string } | undefined;
  for await (const line of createInterface(child.stdout)) {
    if (!line.includes('"listening')) continue;
    said = JSON.parse(line) as typeof said;
    break;
  }
  expect(said, stderr).toBeDefined();
  return {
    said: said!.msg,
    url: said!.url,
    async end(signal: "SIGTERM" | "SIGKILL") {
      child.kill(signal);
      await ended;
      return stderr;
    },
  };
}

const loadedFrom = (stderr: string, folder: string): readonly string[] =>
  (JSON.parse(stderr) as readonly string[]).filter((url) => url.includes(`${folder}/src/`));

/** The files of a bundle that its code loads by their addresses. */
function namedIn(bundle: string): { readonly named: readonly string[]; readonly missing: readonly string[] } {
  const code = readdirSync(bundle).filter((name) => name.endsWith(".js"));
  const names = code.flatMap((name) => [...readFileSync(join(bundle, name), "utf8").matchAll(/new URL\("\.\/([^"]*)", import\.meta\.url\)/g)]);
  const named = [...new Set(names.map(([, name]) => name!))].sort();
  return { named, missing: named.filter((name) => !code.includes(name)) };
}

async function failedAt(url: string): Promise<object> {
  const body = JSON.stringify({ type: "order.placed", entity: { type: "order", id: "1" }, data: { cents: 5 } });
  expect((await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body })).status).toBe(201);
  const groups = async () => ((await (await fetch(`${url}/admin/errors`)).json()) as { readonly groups: readonly Record<string, unknown>[] }).groups;
  await expect.poll(async () => (await groups()).length, { timeout: 25_000 }).toBe(1);
  const [{ fingerprint, error }] = (await groups()) as [Record<string, unknown>];
  return { fingerprint, error };
}

describe("npm start", { timeout: 60_000 }, () => {
  const folder = checkout();
  const kept = (name: string): string => join(folder, "node_modules/.cache", name);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("loads no source a second time, and has what Node compiled, although the first was killed", async () => {
    await (await start(folder)).end("SIGKILL");
    const [compiled] = readdirSync(kept("reprise"));
    expect(readdirSync(join(kept("reprise"), compiled!)).length).toBeGreaterThan(100);
    const again = await start(folder);
    expect((await fetch(`${again.url}/docs`)).status).toBe(200); // its files are found from where their source is
    expect(loadedFrom(await again.end("SIGTERM"), folder)).toEqual([]);
    const [made, ...others] = readdirSync(kept("reprise-bundle"));
    expect(others).toEqual([]);
    expect(namedIn(join(kept("reprise-bundle"), made!))).toEqual({ named: ["ahead-thread.js", "index.js", "thread.js"], missing: [] });
  });

  it("names an error as the sources do", async () => {
    const bundled = await start(folder);
    const sources = await start(folder, "bin/reprise.js");
    expect(await failedAt(bundled.url)).toEqual(await failedAt(sources.url));
    expect(loadedFrom(await sources.end("SIGTERM"), folder).length).toBeGreaterThan(300); // it would see them
  });

  it("runs the sources as they are now", async () => {
    const changed = join(folder, "src/http/server.ts");
    writeFileSync(changed, readFileSync(changed, "utf8").replaceAll('"listening"', '"listening to all"'));
    const service = await start(folder);
    expect(service.said).toBe("listening to all");
    await service.end("SIGTERM");
    expect(readdirSync(kept("reprise-bundle"))).toHaveLength(2);
  });

  it("runs the sources where no bundle can be made, as without the dev dependencies", async () => {
    rmSync(join(folder, "node_modules/rolldown"));
    rmSync(kept("reprise-bundle"), { recursive: true });
    expect(loadedFrom(await (await start(folder)).end("SIGTERM"), folder).length).toBeGreaterThan(300);
    expect(existsSync(kept("reprise-bundle"))).toBe(false);
  });
});
