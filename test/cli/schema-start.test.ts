/** `serve` and `openStore` obey the lock. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { openStore } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { reprise } from "../support/cli.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const config = (schema = "z.object({ cents: z.int().max(100) })", second = "") => `
import { defineConfig, defineEvent, defineUpcasters } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: ${schema}${second === "" ? "" : `, 2: ${second}`} });
export default defineConfig({ events: [placed], upcasters: [defineUpcasters(placed, { ${second === "" ? "" : "1: (data) => data"} })], handlers: [] });
`;

async function lockedFolder(): Promise<string> {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, "reprise.config.ts"), config());
  expect(await reprise(["schema", "lock"], { cwd })).toMatchObject({ code: 0 });
  return cwd;
}

describe("a start", { timeout: 60_000 }, () => {
  it("is refused where a published version changed, with the check's own text; what is new, or no lock, is not", async () => {
    const cwd = await lockedFolder();
    writeFileSync(join(cwd, "reprise.config.ts"), config("z.object({ cents: z.int().max(101) })"));
    const { code, stdout, stderr } = await reprise(["serve", "--port", "0"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const check = await reprise(["schema", "check"], { cwd });
    expect(stderr).toContain(check.stdout.trim());
    expect(stderr).toContain("published-version-changed order.placed version 1");
    expect(stderr).toContain("--allow-unlocked");

    // As a library: a config that was loaded is held to the lock beside it, another one to the lock that is named.
    const changed = await loadConfig(join(cwd, "reprise.config.ts"));
    await expect(openStore(changed, { log: `sqlite:${temporaryFolder()}` })).rejects.toMatchObject({ code: "SCHEMA_LOCK_BROKEN" });
    await expect(openStore({ ...changed }, { log: `sqlite:${temporaryFolder()}`, lock: join(cwd, "schemas/lock.json") })).rejects.toMatchObject({
      code: "SCHEMA_LOCK_BROKEN",
    });
    await expect(openStore({ ...changed }, { log: `sqlite:${temporaryFolder()}`, lock: join(cwd, "no.json") })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const warned: string[] = [];
    const logger = { info() {}, warn: (_: object, text?: string) => void warned.push(String(text)), error() {} };
    const store = await openStore(changed, { log: `sqlite:${temporaryFolder()}`, allowUnlocked: true, logger });
    expect(store.warnings()).toEqual([expect.stringMatching(/lock\.json is broken: published-version-changed order\.placed@1/)]);
    expect(warned).toEqual(store.warnings());
    await store.close();
    for (const made of [{ ...changed }, changed]) {
      const free = await openStore(made, { log: `sqlite:${temporaryFolder()}`, ...(made === changed ? { lock: false } : {}) });
      expect(free.warnings()).toEqual([]);
      await free.close();
    }

    writeFileSync(join(cwd, "newer.config.ts"), config(undefined, "z.object({ cents: z.int() })"));
    const newer = await openStore(await loadConfig(join(cwd, "newer.config.ts")), { log: `sqlite:${temporaryFolder()}` });
    expect(newer.warnings()).toEqual([]);
    await newer.close();
    writeFileSync(join(cwd, "schemas/lock.json"), "{");
    writeFileSync(join(cwd, "again.config.ts"), config());
    await expect(openStore(await loadConfig(join(cwd, "again.config.ts")), { log: `sqlite:${temporaryFolder()}` })).rejects.toMatchObject({
      code: "SCHEMA_LOCK_BROKEN",
      message: expect.stringContaining("lock-unreadable"),
    });
  });

  it("goes on with --allow-unlocked, and /readyz warns", async () => {
    const cwd = await lockedFolder();
    writeFileSync(join(cwd, "reprise.config.ts"), config("z.object({ cents: z.int().max(101) })"));
    const child = spawn(process.execPath, [join(repositoryFolder, "bin/reprise.js"), "serve", "--port", "0", "--allow-unlocked"], {
      cwd,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines: { msg: string; url?: string; level: number }[] = [];
    for await (const line of createInterface(child.stdout))
      if (lines.push(JSON.parse(line) as (typeof lines)[number]) > 0 && lines.at(-1)!.msg === "listening") break;
    expect(lines.map(({ msg }) => msg).join("\n")).toMatch(/schemas\/lock\.json is broken: published-version-changed order\.placed@1/);
    const ready = (await (await fetch(`${lines.at(-1)!.url}/readyz`)).json()) as { readonly warnings: readonly string[] };
    expect(ready.warnings).toEqual([expect.stringContaining("published-version-changed order.placed@1")]);
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });
});
