import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder of its own, removed when the test is over. Call it inside a test or a beforeEach. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reprise-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
