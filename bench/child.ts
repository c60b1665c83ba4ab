import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Child {
  /** The first line that holds `text`, also when it has come already. @throws when the process ends without it. */
  said(text: string): Promise<string>;
  /** All lines, once it has ended by itself. @throws when it has failed. */
  lines(): Promise<readonly string[]>;
  /** By SIGKILL, or by SIGTERM where it is to end by itself; resolves when it is gone. */
  kill(signal?: "SIGKILL" | "SIGTERM"): Promise<void>;
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Node's own. */
  readonly flags?: readonly string[];
}

/** As `npm start` and the container run it. */
export const serviceFlags = ["--max-semi-space-size=16", "--heap-growing-percent=50", "--no-allocation-site-pretenuring"];

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** This Node in a process of its own, which does not outlive the bench. */
export function startNode(program: URL, args: readonly string[] = [], { env = {}, flags = [] }: StartOptions = {}): Child {
  const child = spawn(process.execPath, [...process.execArgv, ...flags, fileURLToPath(program), ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  alive.add(child);
  const lines: string[] = [];
  const waiting = new Map<string, (line: string) => void>();
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4096)));
  const reader = createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const [text, resolve] of waiting) if (line.includes(text)) resolve(line);
  });
  const closed = once(reader, "close");
  const ended = once(child, "exit").then(async ([code]) => {
    alive.delete(child);
    await closed;
    return code as number | null;
  });
  return {
    async said(text) {
      const before = lines.find((line) => line.includes(text));
      if (before !== undefined) return before;
      const line = new Promise<string>((resolve) => waiting.set(text, resolve));
      const answer = await Promise.race([line, ended.then(() => null)]);
      waiting.delete(text);
      if (answer === null) throw new Error(`A process ended without saying ${text}:\n${stderr}`);
      return answer;
    },
    async lines() {
      const code = await ended;
      if (code !== 0) throw new Error(`A process failed:\n${stderr}`);
      return lines;
    },
    async kill(signal = "SIGKILL") {
      child.kill(signal);
      await ended;
    },
  };
}
