import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runCli } from "../../src/cli/cli.ts";
import { systemClock } from "../../src/event/clock.ts";
import { makeHttpSide } from "../../src/http/http-side.ts";
import type { StoreCore } from "../../src/store/store.ts";
import { silent } from "./http.ts";
import { repositoryFolder, type ToolRun } from "./run-tool.ts";

/** Nothing of the one who runs the tests decides what a command does. */
const ours = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REPRISE_") && !name.endsWith("_COLOR")));

/** What a command answers whose input and output are no terminal, in this process: one of its own takes a quarter of a second. */
export async function answerTo(
  args: readonly string[],
  { url, input = "", env = {}, cwd }: { url?: string; input?: string; env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<ToolRun> {
  const said = { stdout: "", stderr: "" };
  const code = await runCli(args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...ours(), ...(url === undefined ? {} : { REPRISE_URL: url }), ...env },
    terminal: {
      out: (text) => void (said.stdout += text),
      err: (text) => void (said.stderr += text),
      interactive: false,
      columns: undefined,
      ask: async () => {
        throw new Error("Nobody is there to be asked.");
      },
      input: async function* () {
        yield Buffer.from(input);
      },
    },
  });
  return { code, ...said };
}

/** Runs `reprise` as a user does: a process of its own whose input and output are no terminal. */
export function reprise(
  args: readonly string[],
  { url, input = "", env = {}, cwd = repositoryFolder }: { url?: string; input?: string; env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(repositoryFolder, "bin/reprise.js"), ...args], {
      cwd,
      env: { ...ours(), ...(url === undefined ? {} : { REPRISE_URL: url }), ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => {}); // a command that reads no input may be gone already
    child.stdin.end(input);
  });
}

/**
 * A service on a free port of this machine, under a path, as one in a server of somebody's own has: so each command is tried under a prefix. Those that are
 * tried at the root start `reprise serve`.
 */
export async function listen(store: StoreCore): Promise<{ url: string; close(): Promise<void> }> {
  const { listener } = makeHttpSide({ store, logger: silent, clock: systemClock, keys: null }, { prefix: "/of/reprise" });
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/of/reprise`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
