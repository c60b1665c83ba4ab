/** docs/clients.md, word for word: a client is generated from the service's own document, type checked, and runs the README's story. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { listen } from "../support/cli.ts";
import { readText } from "../support/repository-files.ts";
import { repositoryFolder, run } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const page = readText("docs/clients.md");
const programs = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, text]) => text!);
const [commands = ""] = Array.from(page.matchAll(/^```\n(.*?)^```$/gms), ([, text]) => text!);
const strict = { target: "es2024", module: "nodenext", strict: true, noEmit: true, allowImportingTsExtensions: true, types: ["node"], skipLibCheck: false };

it("makes a client, which is type checked and plans and runs a replay", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const mailIsDown = join(folder, "mail-is-down");
  const mailed: string[] = [];
  const orderPlaced = defineEvent("order.placed", { 1: z.object({ total: z.number() }), 2: z.object({ totalCents: z.int() }) });
  const mailer = defineHandler({
    ...{ name: "mailer", events: [orderPlaced], retry: { maxAttempts: 2, initialDelayMs: 10 } },
    on: {
      "order.placed": ({ entity, data }) => {
        if (existsSync(mailIsDown)) throw new Error("the mail server does not answer");
        mailed.push(`order ${entity.id}, ${data.totalCents} cents`);
      },
    },
  });
  const upcasters = [defineUpcasters(orderPlaced, { 1: ({ total }) => ({ totalCents: Math.round(total * 100) }) })];
  const { url, close } = await listen(await startStore(defineConfig({ events: [orderPlaced], upcasters, handlers: [mailer] }), join(folder, "data")));
  onTestFinished(close);

  const client = join(folder, "client");
  mkdirSync(client);
  symlinkSync(join(repositoryFolder, "node_modules"), join(client, "node_modules"));
  const write = (name: string, text: string) => writeFileSync(join(client, name), text);
  write("package.json", '{ "type": "module" }');
  write("tsconfig.json", JSON.stringify({ compilerOptions: strict, include: ["*.ts"] }));
  const [append = "", replay = ""] = programs;
  write("append.ts", append);
  write("replay.ts", replay);
  const inClient = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run("env", [`REPRISE_URL=${url}`, process.execPath, ...args], client);
    expect(stderr).toBe("");
    return { code, stdout };
  };

  const [, document = "", output = ""] = /^npx openapi-typescript (\S+) -o (\S+)$/m.exec(commands) ?? [];
  await inClient("node_modules/openapi-typescript/bin/cli.js", document.replace("http://127.0.0.1:4680", url), "-o", output);
  // What the programs say is there, and a path, a member of a body, and one of an answer are not.
  const wrong = {
    "wrong-path": ["/admin/dlq", "/admin/dlqs"],
    "wrong-body": ["{ type:", "{ types:"],
    "wrong-answer": ["letter.waiting", "letter.waits"],
  } as const;
  for (const [name, [there, notThere]] of Object.entries(wrong)) write(`${name}.ts`, append.replaceAll(there, notThere));
  const { stdout } = await inClient("node_modules/typescript-7/bin/tsc", "-p", ".");
  expect(new Set(Array.from(stdout.matchAll(/^[\w./-]+(?=[(:])/gm), ([file]) => file))).toEqual(new Set(Object.keys(wrong).map((name) => `${name}.ts`)));

  writeFileSync(mailIsDown, "");
  expect(await inClient("append.ts")).toEqual({ code: 0, stdout: "mailer: the mail server does not answer; 1 waits behind it\n" });
  rmSync(mailIsDown);
  expect(await inClient("replay.ts")).toEqual({ code: 0, stdout: "planned: 1 dead letters, 1 released by them\ncompleted: 1 succeeded, 0 failed\n" });
  await expect.poll(() => mailed).toEqual(["order 1, 1250 cents", "order 1, 900 cents"]);
});
