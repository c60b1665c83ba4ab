/** What the containers of docker-compose.yml run, as processes of this machine: the same commands in the same environment, with other folders. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ContainerProcess, composeFile, processOf } from "../support/containers.ts";
import { startLogServer } from "../support/log-server.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return String(port);
}

/** The folders of a container. The config is the repository's own, which docker-compose.yml mounts there. */
function makeFolders(): Readonly<Record<string, string>> {
  const folder = temporaryFolder();
  const folders = { "/data": join(folder, "data"), "/keys": join(folder, "keys"), "/run/secrets/keys": join(folder, "keys") };
  for (const each of Object.values(folders)) mkdirSync(each, { recursive: true });
  return { ...folders, "/config": repositoryFolder, "/app": repositoryFolder };
}

function begin({ command: [program, ...args], env }: ContainerProcess, more: Readonly<Record<string, string>> = {}) {
  expect(program).toBe("node");
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, ...env, ...more }, stdio: ["ignore", "pipe", "pipe"], cwd: temporaryFolder() });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function textOf(container: ContainerProcess): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = begin(container);
  let stdout = "";
  child.stdout.on("data", (part) => (stdout += String(part)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: stdout.trim() };
}

const healthOf = async ({ health, env }: ContainerProcess): Promise<number | null> => (await textOf({ command: health, env, health })).code;

describe("the containers", { timeout: 60_000 }, () => {
  it.each([
    ["embedded", async () => ({})],
    ["reprise", async () => ({ REPRISE_LOG: (await startLogServer()).url })],
  ])("%s serves at its port whoever has a key, says that it is healthy, and stops in time", async (name, logOf) => {
    const folders = makeFolders();
    const port = await freePort();
    const key = await textOf(processOf("keys", folders, {}, ["create", "--name", "me", "--tenant", "*", "--role", "admin"]));
    expect(key).toEqual({ code: 0, stdout: expect.stringMatching(/^rpr_/) });

    const container = processOf(name, folders, { REPRISE_PORT: port });
    expect(await healthOf(container)).toBe(1);
    const service = begin(container, { ...(await logOf()), REPRISE_LOG_PASSWORD_FILE: "" });
    const [line] = (await once(createInterface({ input: service.stdout }), "line")) as [string];
    expect(JSON.parse(line)).toMatchObject({ msg: "listening", url: `http://0.0.0.0:${port}` });
    expect(await healthOf(container)).toBe(0);
    const ask = async (headers: Record<string, string>) => (await fetch(`http://127.0.0.1:${port}/handlers`, { headers })).status;
    expect(await ask({})).toBe(401);
    // It listens, and is well, before the log server has answered.
    await expect.poll(() => ask({ authorization: `Bearer ${key.stdout}` })).toBe(200);

    const begun = performance.now();
    service.kill("SIGTERM");
    expect(await once(service, "close")).toEqual([0, null]);
    expect(performance.now() - begun).toBeLessThan(Number.parseInt(composeFile.services[name]!.stop_grace_period!, 10) * 1000);
  });
});
