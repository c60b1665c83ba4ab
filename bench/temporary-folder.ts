import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Removed at the end of the process at the latest, so that a benchmark that fails leaves no gigabytes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  folders.push(folder);
  return folder;
}
