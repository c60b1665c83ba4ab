/** `reprise doctor` on what is well, and on each thing that is not. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { judgeFailure } from "../../src/cli/doctor/disk.ts";
import { reprise } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Check {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly fix: string | null;
}

const config = `import { z } from "zod"; import { defineConfig, defineEvent } from "reprise";
export default defineConfig({ events: [defineEvent("order.placed", { 1: z.object({ orderId: z.string() }) })] });`;

/** A folder with a config, and `doctor` run in it on an address where nothing answers. */
async function doctor(prepare: (folder: string) => readonly string[] = () => []) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "reprise.config.ts"), config);
  const args = prepare(folder);
  const { code, stdout, stderr } = await reprise(["doctor", "-o", "json", ...args], { cwd: folder, url: "http://127.0.0.1:9" });
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: readonly Check[] };
  const of = (check: string) => checks.find((each) => each.check === check)!;
  return { code, ok, of, stderr, checks };
}

describe("doctor", { timeout: 60_000 }, () => {
  it("says of each thing whether it is well, and changes nothing", async () => {
    const { code, ok, checks, of } = await doctor();
    expect([code, ok]).toEqual([0, true]);
    expect(checks.map(({ check }) => check)).toEqual(["config", "catalog", "keys", "log", "clock", "writable", "sync", "disk", "service", "views"]);
    expect(of("config").state).toBe("ok");
    expect(of("catalog")).toMatchObject({ state: "warning", fix: expect.stringContaining("schema lock") });
    expect(of("log")).toMatchObject({ state: "warning", fix: expect.stringContaining("first start") });
    expect(of("service").state).toBe("not checked");
  });

  it("fails with what to do for a config that does not load, a key file that others may write, and a log that is none", async () => {
    const { code, of } = await doctor((folder) => {
      writeFileSync(join(folder, "reprise.config.ts"), "export default 7;");
      writeFileSync(join(folder, "keys.json"), '{ "version": 1, "keys": [] }');
      chmodSync(join(folder, "keys.json"), 0o666);
      mkdirSync(join(folder, "data"));
      writeFileSync(join(folder, "data/log.db"), "this is no database, and has been here before ".repeat(200));
      return ["--api-keys", join(folder, "keys.json"), "--log", `sqlite:${join(folder, "data")}`];
    });
    expect(code).toBe(1);
    expect(of("config")).toMatchObject({ state: "failed", detail: expect.stringContaining("default export") });
    expect(of("catalog").state).toBe("not checked");
    expect(of("keys")).toMatchObject({ state: "failed", detail: expect.stringContaining("chmod 600") });
    expect(of("log").state).toBe("failed");
  });

  it.each(["writable", "sync"] as const)("asks for room, and for no other disk, where a full one fails the check %s", (check) => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    expect(judgeFailure(check, "/data", full)).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("ENOSPC"),
      fix: expect.stringMatching(/^Make room/),
    });
    const broken = Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
    expect(judgeFailure(check, "/data", broken)).toMatchObject({ state: "failed", fix: expect.not.stringContaining("Make room") });
  });

  it("names a key that will soon expire", async () => {
    const { of, code } = await doctor((folder) => {
      const key = { id: "aaaaaaaa", name: "anna", tenant: "default", role: "read", secret_sha256: "0".repeat(64), previous_secret_sha256: null };
      const times = { created_at: "2026-01-01T00:00:00Z", expires_at: new Date(Date.now() + 86_400_000).toISOString(), revoked_at: null, limit: null };
      writeFileSync(join(folder, "keys.json"), JSON.stringify({ version: 1, keys: [{ ...key, ...times }] }), { mode: 0o600 });
      return ["--api-keys", join(folder, "keys.json")];
    });
    expect(of("keys")).toMatchObject({ state: "warning", detail: expect.stringContaining("anna") });
    expect(code).toBe(0);
  });
});
