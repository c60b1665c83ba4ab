/** Follows the README as a newcomer does who has nothing but the package: each command as it stands, each file as it is shown. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readText } from "./repository-files.ts";
import { run, writeTree } from "./run-tool.ts";

export interface FollowedCommand {
  readonly line: string;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What was shown: commands of a shell, or a file. */
type Block = { readonly commands: readonly string[] } | { readonly path: string; readonly text: string };

/** The blocks from the install to the end of the first hour. @throws for one that is neither commands nor a file with its name. */
export function blocksOfReadme(): readonly Block[] {
  const [, hour = ""] = /^## Install\n(.*?)^## From a checkout$/ms.exec(readText("README.md")) ?? [];
  return Array.from(hour.matchAll(/^```(\w*)\n(.*?)^```$/gms), ([, language, text = ""]) => {
    if (language === "") return { commands: text.trimEnd().split("\n") };
    const [, path] = /^\/\/ (\S+\.ts)\n/.exec(text) ?? [];
    if (path === undefined) throw new Error(`A block of the README has no file's name: ${text.slice(0, 80)}`);
    return { path, text };
  });
}

/** The commands that `init` printed, without what it says around them. */
export function commandsThatInitPrints(told: string): readonly string[] {
  const [, follows = ""] = /What follows:\n([\s\S]+)/.exec(told) ?? [];
  return Array.from(follows.matchAll(/^ {2}(\S.*)$/gm), ([, line]) => line!);
}

/** `npx reprise serve` in a terminal of its own. Only the port is another one than what is written, because that one may be taken here. */
class Terminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  stderr = "";

  constructor(line: string, folder: string) {
    this.#child = spawn("sh", ["-ec", line], { cwd: folder, env: { ...process.env, REPRISE_PORT: "0" }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  async port(): Promise<string> {
    for await (const line of createInterface(this.#child.stdout!)) {
      const [, port] = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(line) ?? [];
      if (port !== undefined) return port;
    }
    throw new Error(`The service has ended: ${this.stderr}`);
  }

  /** Ctrl-C: all of its group get it, npx and the service alike. */
  async end(): Promise<void> {
    process.kill(-this.#child.pid!, "SIGINT");
    await this.#ended;
  }
}

export interface Followed {
  /** In their order, `npm i reprise` and those that serve left out. */
  readonly commands: readonly FollowedCommand[];
  /** What each service has said on standard error. */
  readonly served: readonly string[];
}

/** The package is installed already. `sh` runs all commands, as a script does. @throws when a command fails. */
export async function followReadme(folder: string): Promise<Followed> {
  const commands: FollowedCommand[] = [];
  const served: Terminal[] = [];
  let port = "0";
  const follow = async (line: string): Promise<void> => {
    if (line === "npm i reprise") return;
    if (line === "npx reprise serve") {
      await served.at(-1)?.end();
      const terminal = new Terminal(line, folder);
      served.push(terminal);
      port = await terminal.port();
      return;
    }
    const answer = await run("env", [`REPRISE_PORT=${port}`, "sh", "-ec", line], folder);
    commands.push({ line, ...answer });
    if (answer.code !== 0) throw new Error(`${line}: exit ${answer.code}: ${answer.stderr}${answer.stdout}`);
  };
  try {
    for (const block of blocksOfReadme())
      if ("path" in block) writeTree(folder, { [join(".", block.path)]: block.text });
      else for (const line of block.commands) await follow(line);
  } finally {
    await served.at(-1)?.end();
  }
  return { commands, served: served.map(({ stderr }) => stderr) };
}
