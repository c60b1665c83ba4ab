import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const demo = fileURLToPath(new URL("../../examples/order-desk/demo.ts", import.meta.url));

it("tells its story to the end within a minute, and finds every promise kept", { timeout: 70_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@reprise/source", demo], { timeout: 60_000 });
  expect(stdout.match(/ ✓ /g)).toHaveLength(8);
  expect(stdout).not.toContain("✗");
  expect(stdout).toMatch(/All 8 promises held, in \d+\.\d s\./);
  expect(stdout).not.toContain(String.fromCharCode(27)); // no terminal, no colour
});
