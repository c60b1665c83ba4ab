import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

const program = fileURLToPath(new URL("../support/thread-heaps.ts", import.meta.url));

function limits(flags: readonly string[], env: Readonly<Record<string, string>> = {}): readonly [ours: number, others: number] {
  return JSON.parse(execFileSync(process.execPath, [...flags, program, temporaryFolder()], { encoding: "utf8", env: { ...process.env, ...env } }));
}

it("the views' thread has small semi-spaces whatever the process's flag says, and other threads have what it says", () => {
  const [ours, others] = limits(["--max-semi-space-size=4"]);
  const large = limits(["--max-semi-space-size=4", "--max_semi_space_size=64"]);
  expect(large[0]).toBe(ours);
  expect(large[1]).toBeGreaterThan(others);
  expect(limits([], { NODE_OPTIONS: "--max-semi-space-size=64" })).toEqual(large);
});
