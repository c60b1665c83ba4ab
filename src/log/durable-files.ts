/** Files whose names are to survive a power cut, too. */
import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";

/** That a file is in its folder has to reach the disk, too. @throws what the disk says. */
export function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
