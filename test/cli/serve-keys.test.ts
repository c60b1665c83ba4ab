/** `reprise serve` with keys and with TLS, as its operator meets it: real processes, a real key file, curl. */
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createKey, revokeKey } from "../../src/access/edit-key-file.ts";
import { makeServer } from "../../src/http/server.ts";
import { reprise } from "../support/cli.ts";
import { makeFakeClock } from "../support/fake-clock.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { silent } from "../support/http.ts";
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
    const anna = await create("--name", "anna", "--tenant", "*", "--role", "admin");
    const { url, lines } = await serve(cwd, { REPRISE_API_KEYS: file, REPRISE_HOST: "0.0.0.0" });
    const at = url.replace("0.0.0.0", "127.0.0.1");
    const status = async (key: string) => (await fetch(`${at}/handlers`, { headers: { authorization: `Bearer ${key}`, host: "any.example" } })).status;
    expect((await fetch(`${at}/handlers`)).status).toBe(401);
    expect(await status(anna)).toBe(200);
    const append = ["append", "--type", "order.placed", "--entity", "order/1", "--data", '{"cents":1}', "-q"];
    expect(await reprise(append, { url: at, env: { REPRISE_KEY: anna } })).toMatchObject({ code: 0, stderr: "" });
    expect(await reprise(append, { url: at })).toMatchObject({ code: 4, stderr: expect.stringContaining("KEY_MISSING") });

    const bert = await create("--name", "bert", "--tenant", "default", "--role", "read");
    await expect.poll(() => status(bert), { timeout: 25_000, interval: 100 }).toBe(200);
    const [id] = (await reprise(["keys", "ls", "--file", file, "-q"])).stdout.split("\n");
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, whole.slice(0, 30));
    await expect
      .poll(async () => JSON.stringify(await (await fetch(`${at}/readyz`, { headers: { authorization: `Bearer ${anna}` } })).json()), {
        timeout: 25_000,
        interval: 100,
      })
      .toContain("stay in force");
    writeFileSync(file, whole);
    expect(await reprise(["keys", "revoke", id!, "--file", file])).toMatchObject({ code: 0 });
    await expect.poll(() => status(anna), { timeout: 25_000, interval: 100 }).toBe(401);
    expect(lines.join("\n")).toContain("the keys from before stay in force");
    expect(lines.filter((line) => line.includes(anna.slice(12, 40)) || line.includes(bert.slice(12, 40)))).toEqual([]);
  });

  it("is one of two services on one key file: under load a torn file changes nothing, and a revoked key is refused by both within 5 s", async () => {
    const path = join(makeFolder(), "keys.json");
    const options = () => ({ path, nowMs: Date.now(), random: randomBytes });
    const more = { tenant: "default", expiresAtMs: null, limit: { per_second: 100_000, burst: 100_000 }, sources: null };
    const kept = createKey(options(), { name: "kept", role: "append", ...more }).text;
    const watcher = createKey(options(), { name: "watcher", role: "read", ...more, tenant: "*" }).text;
    const lost = createKey(options(), { name: "lost", role: "append", ...more });
    const services = await Promise.all([0, 1].map(() => serve(makeFolder(), { REPRISE_API_KEYS: path })));

    const load = new AbortController();
    const payload = JSON.stringify({ type: "order.placed", entity: { type: "order", id: "1" }, data: { cents: 1 } });
    /** Appends all the time. @returns the status of each answer so far, with when it was asked for. */
    const appending = (url: string, key: string) => {
      const answers: { readonly status: number; readonly atMs: number }[] = [];
      return { answers, ended: append(url, key, answers) };
    };
    const append = async (url: string, key: string, answers: { readonly status: number; readonly atMs: number }[]) => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      while (!load.signal.aborted) {
        const atMs = performance.now();
        const answer = await fetch(`${url}/events`, { method: "POST", headers, body: payload });
        await answer.arrayBuffer();
        answers.push({ status: answer.status, atMs });
      }
    };
    const loads = services.flatMap(({ url }) => [appending(url, kept), appending(url, kept), appending(url, lost.text)]);
    const warnings = async () => {
      const answers = services.map(async ({ url }) => (await fetch(`${url}/readyz`, { headers: { authorization: `Bearer ${watcher}` } })).json());
      return (await Promise.all(answers)).map((ready) => (ready as { warnings: readonly string[] }).warnings.length);
    };

    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.slice(0, whole.length / 2));
    await expect.poll(warnings, { timeout: 25_000, interval: 100 }).toEqual([1, 1]);
    writeFileSync(path, whole);
    revokeKey(options(), lost.key.id);
    const revokedMs = performance.now();
    await expect.poll(warnings, { timeout: 25_000, interval: 100 }).toEqual([0, 0]);
    const isRefused = async ({ url }: { url: string }) => (await fetch(`${url}/events`, { headers: { authorization: `Bearer ${lost.text}` } })).status === 401;
    await expect.poll(async () => (await Promise.all(services.map(isRefused))).every(Boolean), { timeout: 25_000, interval: 50 }).toBe(true);
    const losing = loads.filter((_, index) => index % 3 === 2);
    await expect.poll(() => losing.every(({ answers }) => answers.at(-1)?.status === 401), { timeout: 20_000, interval: 50 }).toBe(true);
    load.abort();
    await Promise.all(loads.map(({ ended }) => ended));
    for (const [index, { answers }] of loads.entries()) {
      expect(answers.length).toBeGreaterThan(10);
      const refused = answers.filter(({ status }) => status !== 201);
      if (index % 3 < 2) expect(refused).toEqual([]);
      else {
        expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([401]));
        expect(Math.min(...refused.map(({ atMs }) => atMs))).toBeGreaterThan(revokedMs);
        const last = answers.findLast(({ status }) => status === 201);
        expect(last!.atMs).toBeLessThan(revokedMs + 5000);
      }
    }
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
  function makeCertificate(folder: string, name: string, days = 2): void {
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", `${days}`, "-subj", `/CN=${name}`];
    execFileSync("openssl", [...args, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.pem`)], {
      stdio: "ignore",
    });
  }

  it("answers clients that trust its certificate, and takes a renewed certificate without a restart", async () => {
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

  it("warns in /readyz of renewed files that cannot be used, until they can", async () => {
    const cwd = makeFolder();
    for (const name of ["first", "second"]) makeCertificate(cwd, name);
    const live = { cert: join(cwd, "live.pem"), key: join(cwd, "live.key") };
    const put = (cert: string, key: string): void => {
      copyFileSync(join(cwd, `${cert}.pem`), live.cert);
      copyFileSync(join(cwd, `${key}.key`), live.key);
    };
    put("first", "first");
    const clock = makeFakeClock();
    const app = makeServer({ store: makeFakeStore(), logger: silent, clock, tls: live });
    onTestFinished(() => app.close());
    const own = async () => (await app.inject("/readyz")).json<{ warnings: string[] }>().warnings.filter((warning) => warning.includes("certificate"));
    expect(await own()).toEqual([]);
    put("second", "first");
    await clock.advance(10_000);
    expect(await own()).toEqual([expect.stringMatching(/cannot be used together.*The certificate from before stays in use\.$/)]);
    rmSync(live.key);
    await clock.advance(10_000);
    expect(await own()).toEqual([expect.stringContaining("REPRISE_TLS_KEY is")]);
    put("second", "second");
    await clock.advance(10_000);
    expect(await own()).toEqual([]);
  });

  it("warns of a certificate that ends within two weeks, in /readyz and once a day in the log, until it is renewed", async () => {
    const cwd = makeFolder();
    makeCertificate(cwd, "live", 16);
    const clock = makeFakeClock(Date.now());
    const days = (count: number) => clock.advance(count * 86_400_000);
    const warn = vi.fn();
    const app = makeServer({ store: makeFakeStore(), logger: { ...silent, warn }, clock, tls: { cert: join(cwd, "live.pem"), key: join(cwd, "live.key") } });
    onTestFinished(() => app.close());
    const own = async () => (await app.inject("/readyz")).json<{ warnings: string[] }>().warnings.filter((warning) => warning.includes("certificate"));
    const logged = () => warn.mock.calls.filter(([, text]) => String(text).includes("certificate")).length;
    await days(1);
    expect([await own(), logged()]).toEqual([[], 0]);
    await days(2);
    expect([await own(), logged()]).toEqual([[expect.stringMatching(/live\.pem ends at \d{4}-.*Renew it/)], 2]);
    await days(14);
    expect(await own()).toEqual([expect.stringContaining("is refused by clients")]);
    makeCertificate(cwd, "live", 60);
    await days(1);
    const before = logged();
    await days(3);
    expect([await own(), logged()]).toEqual([[], before]);
  });

  it("does not start with the private key of another certificate", async () => {
    const cwd = makeFolder();
    for (const name of ["first", "second"]) makeCertificate(cwd, name);
    const { code, stderr } = await reprise(["serve", "--port", "0", "--tls-cert", "first.pem", "--tls-key", "second.key"], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain("cannot be used together");
  });
});
