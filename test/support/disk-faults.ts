/** A disk that fails on demand under a process of its own, and what a power cut would leave of it. See disk-faults.c. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./temporary-folder.ts";

const source = fileURLToPath(new URL("./disk-faults.c", import.meta.url));

/** False where there is no Linux, or no C compiler: what needs it is skipped there. */
export const hasDiskFaults = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;

let built: string | null = null;

function build(): string {
  if (built !== null) return built;
  const library = join(tmpdir(), `reprise-disk-faults-${process.pid}.so`);
  const { status, stderr } = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc could not build ${source}: ${stderr}`);
  return (built = library);
}

export interface Fault {
  readonly act: "sync" | "write" | "read";
  readonly code: "EIO" | "ENOSPC";
  /** Part of the path; with a `$` behind it, its end. */
  readonly file: string;
  /** So many failures, then it works; default: until it is taken away. */
  readonly times?: number;
}

export interface FaultyDisk {
  /** For the process on it. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on these, and no others. */
  fail(...faults: readonly Fault[]): void;
  /** What a power cut would leave of `folder`, in a folder of its own. The process is dead. */
  afterPowerCut(folder: string): string;
}

export function makeFaultyDisk(): FaultyDisk {
  const own = temporaryFolder();
  const control = join(own, "control");
  const disk = join(own, "disk");
  writeFileSync(control, "");
  mkdirSync(disk);
  return {
    env: { LD_PRELOAD: build(), FAULTS_CONTROL: control, FAULTS_DISK: disk },
    fail(...faults) {
      writeFileSync(`${control}.new`, faults.map(({ act, code, file, times }) => `${act} ${code} ${file}${times === undefined ? "" : ` ${times}`}\n`).join(""));
      renameSync(`${control}.new`, control);
    },
    afterPowerCut(folder) {
      const left = temporaryFolder();
      let names = new Map<string, string>();
      const said = existsSync(join(disk, "names")) ? readFileSync(join(disk, "names"), "utf8").trimEnd().split("\n") : [];
      for (const line of said) {
        const [of, name, inode] = line.split("\t") as [string, string, string];
        if (of !== folder) continue;
        if (name === "") names = new Map();
        else names.set(name, inode);
      }
      for (const [name, inode] of names)
        if (existsSync(join(disk, inode))) copyFileSync(join(disk, inode), join(left, name));
        else if (!name.endsWith("-shm")) writeFileSync(join(left, name), "");
      return left;
    },
  };
}
