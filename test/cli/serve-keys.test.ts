/** `reprise serve` with keys and with TLS, as its operator meets it: real processes, a real key file, curl. */
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { reprise } from "../support/cli.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const config = `import { z } from "zod"; import { defineConfig, defineEvent } from "reprise";
export default defineConfig({ events: [defineEvent("order.placed", { 1: z.object({ cents: z.int() }) })] });`;
const isThere = (program: string): boolean => spawnSync(program, ["--help"]).error === undefined;

function makeFolder(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "reprise.config.ts"), config);
  return folder;
}

/** Starts a service in a folder. @returns its address and the lines that it has logged so far. */
async function serve(cwd: string, env: Readonly<Record<string, string>>): Promise<{ url: string; lines: readonly string[] }> {
  const ours = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REPRISE_")));
  const child = spawn(process.execPath, [join(repositoryFolder, "bin/reprise.js"), "serve", "--port", "0"], {
    cwd,
    env: { ...ours, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  const [first] = (await once(output, "line")) as [string];
  output.on("line", (line) => lines.push(line));
  return { url: (JSON.parse(first) as { url: string }).url, lines };
}

describe("serve with keys", { timeout: 60_000 }, () => {
  it("serves any host, knows each key, follows the file by itself, and logs no key", async () => {
    const cwd = makeFolder();
    const file = join(cwd, "keys.json");
    const create = async (...args: readonly string[]) => (await reprise(["keys", "create", "--file", file, ...args])).stdout.trim();
    const anna = await create("--name", "anna", "--tenant", "default", "--role", "admin");
    const { url, lines } = await serve(cwd, { REPRISE_API_KEYS: file, REPRISE_HOST: "0.0.0.0" });
    const at = url.replace("0.0.0.0", "127.0.0.1");
    const status = async (key: string) => (await fetch(`${at}/handlers`, { headers: { authorization: `Bearer ${key}`, host: "any.example" } })).status;
    expect((await fetch(`${at}/handlers`)).status).toBe(401);
    expect(await status(anna)).toBe(200);
    const append = ["append", "--type", "order.placed", "--entity", "order/1", "--data", '{"cents":1}', "-q"];
    expect(await reprise(append, { url: at, env: { REPRISE_KEY: anna } })).toMatchObject({ code: 0, stderr: "" });
    expect(await reprise(append, { url: at })).toMatchObject({ code: 4, stderr: expect.stringContaining("KEY_MISSING") });

    const bert = await create("--name", "bert", "--tenant", "default", "--role", "read");
    await expect.poll(() => status(bert), { timeout: 8000, interval: 100 }).toBe(200);
    const [id] = (await reprise(["keys", "ls", "--file", file, "-q"])).stdout.split("\n");
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, whole.slice(0, 30));
    await expect
      .poll(async () => JSON.stringify(await (await fetch(`${at}/readyz`, { headers: { authorization: `Bearer ${anna}` } })).json()), {
        timeout: 8000,
        interval: 100,
      })
      .toContain("stay in force");
    writeFileSync(file, whole);
    expect(await reprise(["keys", "revoke", id!, "--file", file])).toMatchObject({ code: 0 });
    await expect.poll(() => status(anna), { timeout: 8000, interval: 100 }).toBe(401);
    expect(lines.join("\n")).toContain("the keys from before stay in force");
    expect(lines.filter((line) => line.includes(anna.slice(12, 40)) || line.includes(bert.slice(12, 40)))).toEqual([]);
  });

  it("does not start with a key file that is torn, or that others may write", async () => {
    const cwd = makeFolder();
    writeFileSync(join(cwd, "torn.json"), '{ "version": 1, "keys": [', { mode: 0o600 });
    const { code, stdout, stderr } = await reprise(["serve", "--port", "0", "--api-keys", "torn.json"], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('file "torn.json" is refused');
  });
});

describe.runIf(isThere("openssl") && isThere("curl"))("serve with TLS of its own", { timeout: 60_000 }, () => {
  function makeCertificate(folder: string, name: string): void {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
    execFileSync("openssl", [...args, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)], {
      stdio: "ignore",
    });
  }

  it("answers to who trusts its certificate, and takes a renewed one without a restart", async () => {
    const cwd = makeFolder();
    for (const name of ["first", "second"]) makeCertificate(cwd, name);
    const put = (name: string): void => {
      for (const end of ["pem", "key"]) copyFileSync(join(cwd, `${name}.${end}`), join(cwd, `live.${end}`));
    };
    put("first");
    const { url } = await serve(cwd, { REPRISE_TLS_CERT: "live.pem", REPRISE_TLS_KEY: "live.key" });
    expect(url).toMatch(/^https:/);
    const trusting = async (name: string) => {
      try {
        return (await promisify(execFile)("curl", ["--silent", "--fail", "--cacert", join(cwd, `${name}.pem`), `${url}/healthz`])).stdout;
      } catch {
        return "refused";
      }
    };
    expect([await trusting("first"), await trusting("second")]).toEqual([expect.stringContaining("ok"), "refused"]);
    put("second");
    await expect.poll(() => trusting("second"), { timeout: 20_000, interval: 200 }).toContain("ok");
  });

  it("does not start with a key that is another certificate's", async () => {
    const cwd = makeFolder();
    for (const name of ["first", "second"]) makeCertificate(cwd, name);
    const { code, stderr } = await reprise(["serve", "--port", "0", "--tls-cert", "first.pem", "--tls-key", "second.key"], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain("cannot be used together");
  });
});
