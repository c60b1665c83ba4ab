import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const demo = fileURLToPath(new URL("../../examples/order-desk/demo.ts", import.meta.url));

function runDemo(...flags: string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ["--conditions=@reprise/source", demo, ...flags], { timeout: 60_000 }, (_, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });
}

describe.concurrent("npm run demo", { timeout: 70_000 }, () => {
  it("tells its story to the end within a minute, and finds every promise kept", async ({ expect }) => {
    const { code, stdout } = await runDemo();
    expect(code, stdout).toBe(0);
    expect(stdout.match(/ ✓ /g)).toHaveLength(10);
    expect(stdout).not.toContain("✗");
    expect(stdout).toMatch(/All 10 promises held, in \d+\.\d s\./);
    expect(stdout).not.toContain(String.fromCharCode(27)); // no terminal, no colour
    // The line that names the temporary folder is as long as its path.
    expect(stdout.split("\n").filter((line) => line.length > 80 && !line.startsWith("  log "))).toEqual([]);
  });

  it("-- --plant exits with 1, for its check finds the refund that was planted before its charge", async ({ expect }) => {
    const { code, stdout } = await runDemo("--plant");
    expect(code, stdout).toBe(1);
    expect(stdout).toMatch(/✗ In log order.*\n +payment of o-\d\d: revision \d came after \d/);
    expect(stdout).toMatch(/\d of 10 promises did not hold\./);
  });
});
