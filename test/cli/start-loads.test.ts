/** What a start loads: a package or a part of Node that nothing has asked for yet costs each start, and each restart after a crash. */
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Says on standard error, at the end, which packages were loaded, and which parts of Node. */
const told = `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({ load(url, context, next) { const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url) ?? []; if (name) packages.add(name); return next(url, context); } });
const tell = () => console.error(JSON.stringify({ packages: [...packages], parts: process.moduleLoadList }));
process.once("SIGTERM", tell);
`;

const config = `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ cents: z.int() }) });
export default defineConfig({ events: [placed], handlers: [defineHandler({ name: "ledger", events: [placed], on: { "order.placed": () => {} } })] });
`;

it("a service without webhooks and without a log server loads no client of either, and no compiler of schemas", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "reprise.config.ts"), config);
  const kept = join(folder, "compiled");
  const child = spawn(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(told)}`, join(repositoryFolder, "bin/reprise.js"), "serve"], {
    cwd: folder,
    env: { ...process.env, REPRISE_PORT: "0", REPRISE_LOG: `sqlite:${folder}`, REPRISE_DATA: folder, NODE_COMPILE_CACHE: kept },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  for await (const line of createInterface(child.stdout)) if (line.includes('"listening"')) break;
  child.kill("SIGTERM");
  expect(await ended, stderr).toBe(0);
  const { packages, parts } = JSON.parse(stderr) as { readonly packages: readonly string[]; readonly parts: readonly string[] };
  expect(packages).toEqual(expect.arrayContaining(["fastify", "zod", "pino"])); // it would see them
  expect(packages.filter((name) => /^undici$|ajv|fast-json-stringify-compiler|db-client|grpc/.test(name))).toEqual([]);
  expect(parts.filter((part) => part.includes("deps/undici"))).toEqual([]);
  expect(existsSync(kept)).toBe(true);
});
