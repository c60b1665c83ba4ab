import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exit, Failure } from "../exit.ts";

/** Does what touches files. @throws exit 1 in place of the system's own error. */
export function onDisk<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new Failure(exit.failed, `${error.message}. Nothing was written.`);
  }
}

/** Something of this name is there: a file, a folder, or a link to nothing. */
export const isThere = (folder: string, path: string): boolean => lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined;

/** Writes files that are not there yet, and none that is: not even one that comes meanwhile. @throws exit 1 that says which were written. */
export function writeNew(folder: string, files: Readonly<Record<string, string>>): void {
  const written: string[] = [];
  for (const [path, text] of Object.entries(files))
    try {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text, { flag: "wx" });
      written.push(path);
    } catch (error) {
      const told = written.length === 0 ? "Nothing was written." : `Written before it: ${written.join(", ")}.`;
      throw new Failure(exit.failed, `${join(folder, path)} could not be written: ${(error as Error).message}.\n${told}`);
    }
}
