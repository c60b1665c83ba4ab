/** The real service as a process of its own, which tests kill, stop and start again. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { HandlersReply } from "../../src/http/wire/service.ts";
import { repositoryFolder } from "./run-tool.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A folder with a config and, in `data`, all that the service keeps there. */
export interface Site {
  readonly config: string;
  readonly data: string;
  /** REPRISE_LOG. */
  readonly log: string;
  /** Before the names of a server's streams. */
  readonly namespace: string;
  /** The same over restarts; without it, each life has one of its own. */
  readonly port?: number;
}

/** @param log a server's connection string; default: the embedded log in `data`. */
export function makeSite(config: string, log?: string, namespace = ""): Site {
  const folder = temporaryFolder();
  const data = join(folder, "data");
  const site = { config: join(folder, "reprise.config.ts"), data, log: log ?? `sqlite:${data}`, namespace };
  mkdirSync(site.data);
  writeFileSync(site.config, config);
  return site;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** performance.now() when the end was seen. */
  readonly atMs: number;
}

export interface Service {
  /** Its address once it listens; null when it ended before that. */
  readonly listening: Promise<string | null>;
  readonly ended: Promise<Ended>;
  readonly stderr: () => string;
  /** The last lines of its log. */
  readonly lines: readonly string[];
  /** At once: nothing of this process waits for it. */
  readonly send: (signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT") => void;
}

/**
 * @param env is seen by the config.
 * @param inside stands before the command, where that is to run somewhere else.
 */
export function startService(
  { config, data, log, namespace, port = 0 }: Site,
  env: Readonly<Record<string, string>> = {},
  inside: readonly string[] = [],
): Service {
  const ours = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REPRISE_")));
  const args = ["serve", "--config", config, "--log", log, "--data", data, "--port", String(port)];
  const program =
    namespace === "" ? [join(repositoryFolder, "bin/reprise.js")] : [fileURLToPath(new URL("./serve-in-namespace.ts", import.meta.url)), namespace];
  const [command, ...words] = [...inside, process.execPath, ...program, ...args];
  const child = spawn(command!, words, { env: { ...ours, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "exit").then(([code, signal]) => ({ code, signal, atMs: performance.now() }) as Ended);
  const { promise: listening, resolve } = Promise.withResolvers<string | null>();
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    if (lines.length > maxLines) lines.shift();
    if (line.includes('"listening"')) resolve((JSON.parse(line) as { url: string }).url);
  });
  void ended.then(() => resolve(null));
  return { listening, ended, stderr: () => stderr, lines, send: (signal) => void child.kill(signal) };
}

/** Starts the service and waits until it listens. */
export async function startListening(
  site: Site,
  env?: Readonly<Record<string, string>>,
  inside?: readonly string[],
): Promise<Service & { readonly url: string }> {
  const service = startService(site, env, inside);
  const url = await service.listening;
  if (url === null) throw new Error(`The service ended before it listened:\n${service.stderr()}`);
  return { ...service, url };
}

export async function kill(service: Service): Promise<void> {
  service.send("SIGKILL");
  await service.ended;
}

/** A GET's answer. @throws for any status but 200, which a poll takes as "not yet". */
export async function get<T>(url: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<T> {
  const response = await fetch(`${url}${path}`, { headers });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

export async function post<T>(url: string, path: string, body: object): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(`${url}${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as T };
}

const patienceMs = 60_000;
const maxLines = 100;

/** Asks until the answer is there: neither undefined, false nor an error. @throws after a minute, with what came last. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  let last: unknown;
  for (const endMs = performance.now() + patienceMs; performance.now() < endMs; await wait(20)) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`In vain waited for: ${what}`, { cause: last });
}

type HandlerCounts = HandlersReply["handlers"][number];

/** The handlers once nothing of them runs or could run: all that is left waits for a person. @param after position of the last append. */
export function untilQuiet(url: string, after = "0"): Promise<readonly HandlerCounts[]> {
  let last = "";
  return until("handlers that come to rest", async () => {
    const { handlers } = await get<HandlersReply>(url, `/handlers?after=${after}`);
    last = JSON.stringify(handlers);
    const quiet = handlers.every(
      ({ by_status, lanes }) => by_status.pending + by_status.processing + by_status.failed === 0 && lanes.behind + lanes.backing_off === 0,
    );
    return quiet && handlers;
  }).catch((error: unknown) => {
    throw new Error(`The handlers did not come to rest: ${last}`, { cause: error });
  });
}

/** All pages of `/admin/dlq` or `/entities`. */
export async function getAll<T>(url: string, path: "/admin/dlq" | "/entities"): Promise<readonly T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: { readonly events?: readonly T[]; readonly entities?: readonly T[]; readonly next_cursor: string | null } = await get(
      url,
      `${path}?limit=100${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    all.push(...(page.events ?? page.entities ?? []));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return all;
}
