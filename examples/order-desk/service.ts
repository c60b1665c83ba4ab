import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/reprise.js", import.meta.url));
const config = fileURLToPath(new URL("./reprise.config.ts", import.meta.url));
const startsWithinMs = 20_000;
const stopsWithinMs = 10_000;
const keptLines = 40;

export interface Service {
  readonly url: string;
  /** Its last lines, for when something went wrong. */
  readonly lastLines: () => readonly string[];
  /** SIGTERM. @returns the exit code; null when it had to be killed. */
  readonly stop: () => Promise<number | null>;
}

/** Starts the service as `npm start` does, in a process of its own, with its log in `folder`. @throws Error with its last lines when it does not get ready. */
export async function startService(folder: string, environment: Readonly<Record<string, string>>): Promise<Service> {
  const child = spawn(process.execPath, [bin, "serve", "--config", config], {
    cwd: folder,
    env: {
      ...withoutOurs(process.env),
      ...environment,
      REPRISE_LOG: `sqlite:${folder}`,
      REPRISE_DATA: folder,
      REPRISE_PORT: "0",
      REPRISE_LOG_LEVEL: "warn", // "listening" comes all the same
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
  };
  createInterface({ input: child.stderr }).on("line", keep);
  const output = createInterface({ input: child.stdout }).on("line", (line) => line.includes('"msg":"listening"') || keep(line));
  const gone = once(child, "exit").then(() => {
    throw new Error("The service did not start.");
  });
  const late = new Promise<never>((_, reject) => setTimeout(reject, startsWithinMs, new Error("The service was not ready in time.")).unref());
  const ready = new Promise<string>((resolve) =>
    output.on("line", (line) => line.includes('"msg":"listening"') && resolve((JSON.parse(line) as { readonly url: string }).url)),
  );
  let url: string;
  try {
    url = await Promise.race([ready, gone, late]);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${(error as Error).message}\n${lines.join("\n")}`);
  }
  child.once("exit", (code, signal) => keep(`It ended with ${signal ?? code}.`));
  return { url, lastLines: () => [...lines], stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const kill = setTimeout(() => child.kill("SIGKILL"), stopsWithinMs);
  child.kill("SIGTERM");
  await once(child, "exit");
  clearTimeout(kill);
  return child.exitCode;
}

/** A service of the reader's own may be configured in this shell: none of it is for the demo. */
function withoutOurs(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(REPRISE|ORDER_DESK)_/.test(name)));
}
