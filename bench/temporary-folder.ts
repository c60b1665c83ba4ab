import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Removed at the end of the process at the latest, so that a benchmark that fails leaves no gigabytes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
