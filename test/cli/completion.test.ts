/** The scripts of `reprise completion`, run by the shells themselves where they are installed. */
import { execFile, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { makeProgram } from "../../src/cli/cli.ts";
import { completionScript } from "../../src/cli/completion-scripts.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const nowhere = { out() {}, err() {}, interactive: false, columns: undefined, ask: async () => "", async *input() {} };
const program = await makeProgram({ terminal: nowhere, env: {}, exitCode: 0 });
const isThere = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

function saved(shell: "bash" | "zsh" | "fish"): string {
  const path = join(temporaryFolder(), `completion.${shell}`);
  writeFileSync(path, completionScript(program, shell));
  return path;
}

async function bash(...words: readonly string[]): Promise<readonly string[]> {
  const line = words.map((word) => `'${word}'`).join(" ");
  const ask = `source '${saved("bash")}'; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _reprise; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", ask]);
  return stdout.trim().split("\n");
}

describe("completion", () => {
  it("bash completes commands, commands of commands, and the flags of the command that stands there", async () => {
    expect(await bash("reprise", "compl")).toEqual(["completion"]);
    expect(await bash("reprise", "dlq", "disc")).toContain("discard");
    expect(await bash("reprise", "-o", "json", "dlq", "replay", "--reas")).toEqual(["--reason"]);
    expect(await bash("reprise", "dlq", "ls", "--lane-st")).toEqual([""]);
  });

  it("bash completes what a flag takes, and no flags in its place", async () => {
    expect(await bash("reprise", "keys", "create", "--role", "")).toEqual(["append", "read", "operate", "admin"]);
    expect(await bash("reprise", "dlq", "ls", "-o", "nd")).toEqual(["ndjson"]);
    expect(await bash("reprise", "dlq", "ls", "--handler", "")).toEqual([""]);
    expect(await bash("reprise", "dlq", "ls", "--handler", "ledger", "--er")).toContain("--error");
    expect(await bash("reprise", "completion", "z")).toEqual(["zsh"]);
  });

  it.runIf(isThere("fish"))("fish does, too", async () => {
    const complete = async (line: string) =>
      (await promisify(execFile)("fish", ["--no-config", "-c", `source ${saved("fish")}; complete -C "${line}"`])).stdout;
    expect(await complete("reprise compl")).toContain("completion");
    expect(await complete("reprise -o json dlq replay --reas")).toContain("--reason");
  });

  it.runIf(isThere("zsh"))("zsh takes its script", async () => {
    const { stdout } = await promisify(execFile)("zsh", ["-f", "-c", `autoload -U compinit; compinit -u -D; source ${saved("zsh")}; _reprise_words dlq`]);
    expect(stdout).toContain("discard");
  });
});
