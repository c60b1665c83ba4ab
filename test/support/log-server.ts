/** A log server for tests of the service: the stand-in in a process of its own, with its events on disk. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { spawnStandIn } from "./eventstore-stand-in/spawn.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface LogServer {
  /** What REPRISE_LOG is set to. The same over restarts. */
  readonly url: string;
  /** With the events that it had. */
  start(): Promise<void>;
  /** Comes back with its first events only, as from an old backup. */
  restore(events: number): Promise<void>;
  /** SIGTERM, SIGKILL: resolves when it has ended. SIGSTOP, SIGCONT: it hangs, it goes on. */
  send(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
}

/** Not started. Ended when the test is over. */
export async function makeLogServer(): Promise<LogServer> {
  const port = await freePort();
  const file = join(temporaryFolder(), "events.jsonl");
  let child: ChildProcess | null = null;
  onTestFinished(() => void child?.kill("SIGKILL"));
  const server: LogServer = {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    async start() {
      ({ child } = await spawnStandIn(file, port));
    },
    async restore(events) {
      await server.send("SIGTERM");
      const lines = readFileSync(file, "utf8").split("\n");
      writeFileSync(file, `${lines.slice(0, events).join("\n")}\n`);
      await server.start();
    },
    async send(signal) {
      const ended = child!.exitCode === null && child!.signalCode === null ? once(child!, "exit") : Promise.resolve();
      child!.kill(signal);
      if (signal === "SIGTERM" || signal === "SIGKILL") await ended;
    },
  };
  return server;
}

export async function startLogServer(): Promise<LogServer> {
  const server = await makeLogServer();
  await server.start();
  return server;
}

/** A port of 127.0.0.1 where nobody listens now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
