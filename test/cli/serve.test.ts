import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { readServeSettings } from "../../src/cli/serve-settings.ts";
import { reprise } from "../support/cli.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const config = `
import { defineConfig, defineEvent, defineHandler } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ cents: z.int() }) });
const ledger = defineHandler({ name: "ledger", events: [placed], on: { "order.placed": () => {} } });
setInterval(() => {}, 1000); // what a config leaves behind holds nothing up
export default defineConfig({ events: [placed], handlers: [ledger] });
`;

describe("the settings of serve", () => {
  it("come from flags, else from the environment, else are defaults; an empty value counts as none", () => {
    expect(readServeSettings({}, { REPRISE_PORT: "" })).toEqual({
      config: "./reprise.config.ts",
      log: "sqlite:./data",
      data: "./data",
      host: "127.0.0.1",
      port: 4680,
      logLevel: "info",
      apiKeys: null,
      tls: null,
      trustProxy: [],
      build: null,
      instance: null,
      instances: "one",
    });
    const env = { REPRISE_LOG: "sqlite:/a", REPRISE_DATA: "/b", REPRISE_HOST: "::1", REPRISE_PORT: "0", REPRISE_LOG_LEVEL: "warn" };
    expect(readServeSettings({ port: "1", config: "c.ts" }, env)).toEqual({
      config: "c.ts",
      log: "sqlite:/a",
      data: "/b",
      host: "::1",
      port: 1,
      logLevel: "warn",
      apiKeys: null,
      tls: null,
      trustProxy: [],
      build: null,
      instance: null,
      instances: "one",
    });
    const open = { REPRISE_API_KEYS: "keys.json", REPRISE_HOST: "0.0.0.0", REPRISE_TLS_CERT: "c.pem", REPRISE_TLS_KEY: "k.pem" };
    const many = { REPRISE_INSTANCES: "many", REPRISE_INSTANCE: "web-1", REPRISE_LOG: "esdb://here:2113" };
    expect(readServeSettings({}, many)).toMatchObject({ instance: "web-1", instances: "many" });
    expect(readServeSettings({ trustProxy: "10.0.0.7, fd00::/8,loopback" }, open)).toMatchObject({
      host: "0.0.0.0",
      apiKeys: "keys.json",
      tls: { cert: "c.pem", key: "k.pem" },
      trustProxy: ["10.0.0.7", "fd00::/8", "loopback"],
    });
  });

  it.each([
    [{ host: "0.0.0.0" }, {}, '--host is "0.0.0.0": '],
    [{}, { REPRISE_HOST: "reprise.example" }, 'REPRISE_HOST is "reprise.example": '],
    [{}, { REPRISE_PORT: "70000" }, 'REPRISE_PORT is "70000": '],
    [{ port: "http" }, {}, '--port is "http": '],
    [{}, { REPRISE_LOG: "esdb:/127.0.0.1:2113" }, 'REPRISE_LOG is "esdb:…": it must be sqlite:<folder>, esdb://host:2113 or esdb+discover://host:2113'],
    [{}, { REPRISE_LOG: "mysql://user:secret@here" }, 'REPRISE_LOG is "mysql:…": it must be sqlite:<folder>'],
    [{ log: "./data" }, {}, '--log is "./data": '],
    [{}, { REPRISE_LOG_LEVEL: "loud" }, 'REPRISE_LOG_LEVEL is "loud": '],
    [{ tlsCert: "c.pem" }, {}, "REPRISE_TLS_KEY is "],
    [{}, { REPRISE_TLS_KEY: "k.pem" }, "REPRISE_TLS_CERT is "],
    [{}, { REPRISE_TRUST_PROXY: "proxy.example" }, 'REPRISE_TRUST_PROXY is "proxy.example": '],
    [{}, { REPRISE_BUILD: "a build" }, 'REPRISE_BUILD is "a build": '],
    [{ instance: "web 1" }, {}, '--instance is "web 1": '],
    [{}, { REPRISE_INSTANCES: "two" }, 'REPRISE_INSTANCES is "two": it must be one or many'],
    [{}, { REPRISE_INSTANCES: "many" }, 'REPRISE_INSTANCES is "many": an embedded log belongs to one process'],
    [{ trustProxy: "10.0.0.0/33" }, {}, '--trust-proxy is "10.0.0.0/33": '],
  ])("%o %o are refused with the field, its value and the fix", (flags, env, message) => {
    expect(() => readServeSettings(flags, env)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(message) }));
  });
});

describe("reprise serve", { timeout: 30_000 }, () => {
  it("that cannot start says why on standard error, prints nothing else and exits 2", async () => {
    const cwd = temporaryFolder();
    const broken = join(cwd, "broken.config.ts");
    writeFileSync(broken, config.replace('"ledger"', '"Ledger"').replace("on:", "retries: 3, on:"));
    const whole = join(cwd, "whole.config.ts");
    writeFileSync(whole, config);
    const [host, noConfig, badConfig, badFolder] = await Promise.all([
      reprise(["serve", "--host", "0.0.0.0"], { cwd }),
      reprise(["serve", "--port", "0"], { cwd }),
      reprise(["serve", "--port", "0", "--config", broken], { cwd }),
      reprise(["serve", "--port", "0", "--config", whole, "--log", `sqlite:${whole}`], { cwd }),
    ]);
    for (const { code, stdout, stderr } of [host, noConfig, badConfig, badFolder]) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^Reprise cannot start\.\n/);
    }
    expect(host.stderr).toContain('--host is "0.0.0.0"');
    expect(noConfig.stderr).toContain("reprise.config.ts");
    expect(badConfig.stderr).toContain(`Correct ${broken}:\n  handlers[0].name is "Ledger": it must be `);
    expect(badConfig.stderr).toContain("\n  handlers[0].retries is an unknown field: correct its spelling, or remove it\n");
    expect(badFolder.stderr).toContain(`The log's folder ${whole} cannot be used: `);
    expect(badFolder.stderr).toContain("or name another folder.\n");
  });

  it("exits 2 when its port is taken, and frees the log", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "reprise.config.ts"), config);
    const { code, stderr } = await reprise(["serve", "--port", String(port)], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain(`REPRISE_PORT is ${port}`);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "says when and where it listens, serves, and exits 0 on %s",
    async (signal) => {
      const cwd = temporaryFolder();
      writeFileSync(join(cwd, "reprise.config.ts"), config);
      const ours = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REPRISE_")));
      const child = spawn(process.execPath, [join(repositoryFolder, "bin/reprise.js"), "serve"], {
        cwd,
        env: { ...ours, REPRISE_PORT: "0", REPRISE_LOG_LEVEL: "error" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
      const { msg, url } = JSON.parse(line) as { msg: string; url: string };
      expect(msg).toBe("listening");
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      const appended = await reprise(["append", "--type", "order.placed", "--entity", "order/1", "--data", '{"cents":1}', "-q"], { url });
      expect(appended).toMatchObject({ code: 0, stderr: "" });
      const exited = once(child, "exit");
      child.kill(signal);
      expect(await exited).toEqual([0, null]);
    },
    20_000,
  );
});
